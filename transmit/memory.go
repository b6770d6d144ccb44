package transmit

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// ErrMemory means that there is no memory for a copy of the profile.
var ErrMemory = errors.New("out of memory")

const (
	smallBlock = 68 << 10 // room for the largest datagram with default settings
	maxSpare   = 4        // so many small blocks are kept for later profiles

	// copyAtOnce is how many bytes are copied between two looks at the clock: a millisecond.
	copyAtOnce = 1 << 20

	// A profile of largeBlock or more is copied by the kernel, into a memfd. In virtual machines without nested paging,
	// a page fault takes 25 µs, so 8 MB of new pages take 50 ms. The writer maps the memfd in 6 ms.
	largeBlock = copyAtOnce
)

// memory holds the copies of profiles on their way to the disk. It is not Go's heap. When the system has no memory left,
// an allocation here returns an error, and Go's heap would abort the host. And free returns memory to the system at
// once, without garbage collection.
type memory struct {
	spare chan []byte // small blocks
}

// newMemory allocates the small blocks now, so that they are there when memory runs out.
func newMemory() memory {
	m := memory{make(chan []byte, maxSpare)}
	for range maxSpare {
		if block, err := allocate(smallBlock); err == nil {
			m.free(block)
		}
	}
	return m
}

// copyOf copies a document. The first alwaysRead bytes are copied whatever the time is. It fails with profile.ErrTimeUp
// or ErrMemory. The copy is read-only; the caller frees it.
func (m *memory) copyOf(out pieces, deadline time.Time) ([]byte, error) {
	if out.size() >= largeBlock {
		if text, err := kernelCopyOf(out, deadline); err == nil || errors.Is(err, profile.ErrTimeUp) {
			return text, err
		}
	}
	block, err := m.block(out.size())
	if err != nil {
		return nil, err
	}
	n := 0
	defer func() {
		if n < len(block) { // also after a fault in the caller's memory
			m.free(block)
		}
	}()
	for _, piece := range out {
		for len(piece) > 0 {
			if n >= alwaysRead && passed(deadline) {
				return nil, profile.ErrTimeUp
			}
			copied := copy(block[n:], piece[:min(len(piece), copyAtOnce)])
			piece, n = piece[copied:], n+copied
		}
	}
	return block, nil
}

// kernelCopyOf copies through a memfd, whose descriptor it closes. It fails where no memfd can be made.
func kernelCopyOf(out pieces, deadline time.Time) ([]byte, error) {
	limit := profile.Limit{At: deadline, Passed: passed, Free: alwaysRead}
	file, err := socket.Seal(out, func(written int) error {
		if limit.IsUp(written) {
			return profile.ErrTimeUp
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return file.Map(out.size())
}

func (m *memory) block(size int) ([]byte, error) {
	if size <= smallBlock {
		select {
		case block := <-m.spare:
			return block[:size], nil
		default:
		}
	}
	return allocate(size)
}

// allocate uses no huge pages: the kernel may search for one for 0.1 s.
func allocate(size int) ([]byte, error) {
	page := unix.Getpagesize()
	room := (max(size, smallBlock) + page - 1) &^ (page - 1)
	start, err := unix.MmapPtr(-1, 0, nil, uintptr(room), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("%w for %d bytes: %w", ErrMemory, size, err)
	}
	return unsafe.Slice((*byte)(start), room)[:size], nil
}

func (m *memory) free(block []byte) {
	block = block[:cap(block)]
	if len(block) < 2*smallBlock {
		select {
		case m.spare <- block:
			return
		default:
		}
	}
	_ = unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(block)), uintptr(len(block)))
}
