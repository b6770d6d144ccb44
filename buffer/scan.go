package buffer

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// debrisAge is more than a write can take. Should one take longer, its
	// temporary file is gone and it writes again.
	debrisAge = time.Minute
	maxDebris = 256

	// blockSize is what is read of a directory at once: about 140 names, a
	// quarter of a millisecond's work.
	blockSize = 8 << 10
)

// scan is one walk through a directory, block by block. What its store writes
// meanwhile is left to the store, whether the walk comes by or not. What the
// store evicts may have been counted; it is then among the oldest, and the next
// to be counted out.
type scan struct {
	dir    *directory
	tags   *tags
	began  time.Time
	took   time.Duration // what walkBlock has cost
	seen   int
	counts inventory
	debris []string // temporary files that crashes left
	upTo   int64    // only profiles that may be sent, of up to so many bytes; 0: all
	err    error
	block  [blockSize]byte

	made []profile           // by the store since then, in order
	left map[string]struct{} // their names
}

// newScan prepares a walk through dir for its totals and its oldest profiles.
// The newest is the store's own.
func newScan(dir *directory, tags *tags, newest profile, oldest int) *scan {
	s := &scan{
		tags:   tags,
		began:  time.Now(),
		counts: inventory{room: oldest},
		left:   make(map[string]struct{}),
	}
	s.leave(newest)
	s.dir, s.err = dir.reopen()
	return s
}

func (s *scan) leave(p profile) {
	s.made = append(s.made, p)
	s.left[p.name] = struct{}{}
}

func (s *scan) evicted(p profile) {
	s.made = slices.DeleteFunc(s.made, func(m profile) bool { return m.name == p.name })
}

// result is what is in the directory, once the walk has come to its end.
func (s *scan) result() inventory {
	all := s.counts
	all.sort()
	for _, p := range s.made {
		all.add(p)
	}
	return all
}

func (s *scan) close() {
	if s.dir != nil {
		s.dir.close()
	}
}

// walkBlock looks at the next names, as many as one system call gives; false if
// there are no more, or none can be had.
func (s *scan) walkBlock() (more bool) {
	if s.err != nil {
		return false
	}
	thread, began, busy := unix.Gettid(), time.Now(), threadTime()
	defer func() {
		took := time.Since(began)
		// Go may have moved a goroutine that has no thread of its own: then only the time that passed is known.
		if unix.Gettid() == thread {
			took = max(threadTime()-busy, took/usualShare)
		}
		s.took += took
	}()
	if _, ok := s.dir.status(); !ok {
		s.err = unix.EBADF
		return false
	}
	n, err := unix.Getdents(s.dir.fd, s.block[:])
	if n <= 0 || err != nil {
		s.err = err
		return false
	}
	eachEntry(s.block[:n], s.look)
	return true
}

// eachEntry calls look with each name in a block of getdents64(2).
func eachEntry(block []byte, look func(name []byte)) {
	for rest := block; len(rest) > 0; {
		size := binary.NativeEndian.Uint16(rest[unsafe.Offsetof(unix.Dirent{}.Reclen):])
		look(nameOf(rest[:size]))
		rest = rest[size:]
	}
}

// threadTime is the CPU time of this thread. On a busy machine, most of the time that
// passes is other processes'.
func threadTime() time.Duration {
	var usage unix.Rusage
	_ = unix.Getrusage(unix.RUSAGE_THREAD, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// nameOf is the name in a struct linux_dirent64, with a NUL after it: getdents64(2).
func nameOf(entry []byte) []byte {
	name := entry[unsafe.Offsetof(unix.Dirent{}.Name):]
	return name[:bytes.IndexByte(name, 0)]
}

// look counts what is a profile, also if it was set aside.
func (s *scan) look(name []byte) {
	s.seen++
	isTemp := hasForm(name, tempForm) || hasForm(name, phpTempForm)
	if !isTemp && !s.isWanted(name) {
		return
	}
	if _, left := s.left[string(name)]; left {
		return
	}
	status, errno := s.stat(name)
	switch {
	case errno != 0 || !isOwn(&status):
	case isTemp:
		if s.began.Sub(time.Unix(status.Mtim.Unix())) > debrisAge && len(s.debris) < maxDebris {
			s.debris = append(s.debris, string(name))
		}
	case status.Nlink == 1 && (s.upTo == 0 || status.Size <= s.upTo):
		s.counts.found(name, status.Size, status.Mtim.Nano())
	}
}

// isWanted tells it by the name.
func (s *scan) isWanted(name []byte) bool {
	if s.upTo > 0 {
		return hasForm(name, profileForm) && s.tags.mayBeSent(tagIn(name))
	}
	return (hasForm(name, profileForm) || isBad(name)) && s.tags.counts(tagIn(name))
}

// stat spares the copy of the name that unix.Fstatat makes.
func (s *scan) stat(name []byte) (status unix.Stat_t, errno unix.Errno) {
	_, _, errno = unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(s.dir.fd), uintptr(unsafe.Pointer(unsafe.SliceData(name))),
		uintptr(unsafe.Pointer(&status)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	return status, errno
}
