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

// ErrMemory means that the system has no memory for a copy of the profile.
var ErrMemory = errors.New("out of memory")

const (
	smallBlock = 68 << 10 // has room for what a datagram may have by default
	maxSpare   = 4        // small blocks that are kept for the next profiles

	// copyAtOnce is copied between two looks at the time; it takes a millisecond.
	copyAtOnce = 1 << 20

	// largeBlock and more is copied by the kernel, into a memfd: in virtual machines without nested
	// paging, a page fault takes 25 µs, and 8 MB of new pages 50 ms. The writer maps them, in 6 ms.
	largeBlock = copyAtOnce
)

// memory has room for profiles on their way to the disk. It is not Go's: where
// the system has none left, this is an error, and Go's heap would abort the
// host. And it goes back to the system at once, without garbage collection.
type memory struct {
	spare chan []byte // small blocks
}

// newMemory has its small blocks already: they are there when nothing else is.
func newMemory() memory {
	m := memory{make(chan []byte, maxSpare)}
	for range maxSpare {
		if block, err := allocate(smallBlock); err == nil {
			m.free(block)
		}
	}
	return m
}

// copyOf copies a document, what is stillDone of it without a look at the time:
// profile.ErrTimeUp or ErrMemory if it does not succeed. The copy is read only; the caller frees it.
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
	for _, piece := range out {
		for len(piece) > 0 {
			if n >= stillDone && passed(deadline) {
				m.free(block)
				return nil, profile.ErrTimeUp
			}
			copied := copy(block[n:], piece[:min(len(piece), copyAtOnce)])
			piece, n = piece[copied:], n+copied
		}
	}
	return block, nil
}

// kernelCopyOf fails where a memfd cannot be had: its descriptor is closed again when this returns.
func kernelCopyOf(out pieces, deadline time.Time) ([]byte, error) {
	limit := profile.Limit{At: deadline, Passed: passed, Free: stillDone}
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

// allocate takes no huge pages: the kernel may look for one for 0.1 s.
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
