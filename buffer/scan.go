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
	// debrisAge is longer than a write takes. If a write does take longer, its temporary file is removed, and it writes
	// again.
	debrisAge = time.Minute
	maxDebris = 256

	// blockSize is how many bytes of a directory are read at once: about 140 names, in a quarter of a millisecond.
	blockSize = 8 << 10
)

// scan reads a directory, block by block. It skips the profiles that its store writes meanwhile, because the store counts
// them. A profile that the store removes meanwhile may have been counted. Then it is among the oldest, so the store takes
// it out of the counts next.
type scan struct {
	dir      *directory
	tags     *tags
	began    time.Time
	took     time.Duration // by walkBlock
	seen     int
	counts   inventory
	debris   []string // temporary files that crashes left
	pairs    map[fileID]*pair
	isShared bool  // other users can create names in the directory
	upTo     int64 // count only profiles of at most so many bytes that may be sent; 0: all
	err      error
	uid      uint32
	block    [blockSize]byte

	made    []profile           // written by the store since the scan began, in order
	skipped map[string]struct{} // their names
}

// newScan prepares a scan of dir for its totals and its oldest profiles. newest is the last profile that the store wrote.
func newScan(dir *directory, tags *tags, newest profile, oldest int) *scan {
	s := &scan{
		tags:    tags,
		began:   time.Now(),
		counts:  inventory{room: oldest},
		skipped: make(map[string]struct{}),
		pairs:   make(map[fileID]*pair),
	}
	s.skip(newest)
	s.dir, s.err = dir.reopen()
	status, _ := dir.Status()
	s.isShared = status.Mode&(unix.S_IWGRP|unix.S_IWOTH) != 0
	return s
}

func (s *scan) skip(p profile) {
	s.made = append(s.made, p)
	s.skipped[p.name] = struct{}{}
}

func (s *scan) evicted(p profile) {
	s.made = slices.DeleteFunc(s.made, func(m profile) bool { return m.name == p.name })
}

// result returns the contents of the directory, after the end of the scan.
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
		s.dir.Close()
	}
}

// walkBlock looks at the names that one system call returns. It returns false at the end and after an error.
func (s *scan) walkBlock() (more bool) {
	if s.err != nil {
		return false
	}
	thread, began, busy := unix.Gettid(), time.Now(), threadTime()
	defer func() {
		took := time.Since(began)
		// If Go has moved this goroutine to another thread, only the elapsed time is known.
		if unix.Gettid() == thread {
			took = max(threadTime()-busy, took/usualShare)
		}
		s.took += took
	}()
	if _, ok := s.dir.Status(); !ok {
		s.err = unix.EBADF
		return false
	}
	n, err := unix.Getdents(s.dir.FD, s.block[:])
	if n <= 0 || err != nil {
		s.err = err
		s.mendPairs()
		return false
	}
	s.uid = uint32(unix.Geteuid()) // once for many names
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

// threadTime returns the CPU time of this thread. On a busy machine, other processes use most of the elapsed time.
// getrusage(2) would not do: for a thread, it is as of the last clock tick.
func threadTime() time.Duration {
	var used unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used)
	return time.Duration(used.Nano())
}

// nameOf returns the NUL-terminated name in a struct linux_dirent64: getdents64(2).
func nameOf(entry []byte) []byte {
	name := entry[unsafe.Offsetof(unix.Dirent{}.Name):]
	return name[:bytes.IndexByte(name, 0)]
}

// look counts profiles, malformed ones included, and collects old temporary files.
func (s *scan) look(name []byte) {
	s.seen++
	isTemp := hasForm(name, tempForm) || hasForm(name, phpTempForm)
	if !isTemp && !s.isWanted(name) {
		return
	}
	if _, skip := s.skipped[string(name)]; skip {
		return
	}
	status, errno := s.stat(name)
	switch {
	case errno != 0 || !isFileOf(&status, s.uid):
	case status.Nlink == 2 && (!s.isShared || s.isOld(status.Mtim.Nano())):
		s.addToPair(name, isTemp, &status)
	case isTemp:
		s.addDebris(string(name), status.Mtim.Nano())
	case status.Nlink == 1:
		s.count(name, status.Size, status.Mtim.Nano())
	}
}

func (s *scan) count(name []byte, size, mtime int64) {
	if s.upTo == 0 || size <= s.upTo {
		s.counts.found(name, size, mtime)
	}
}

func (s *scan) isOld(mtime int64) bool { return s.began.Sub(time.Unix(0, mtime)) > debrisAge }

func (s *scan) addDebris(temp string, mtime int64) {
	if s.isOld(mtime) && len(s.debris) < maxDebris {
		s.debris = append(s.debris, temp)
	}
}

// isWanted tells by the name whether the scan counts a file.
func (s *scan) isWanted(name []byte) bool {
	if s.upTo > 0 {
		return hasForm(name, profileForm) && s.tags.mayBeSent(tagIn(name))
	}
	return (hasForm(name, profileForm) || isBad(name)) && s.tags.counts(tagIn(name))
}

// stat is unix.Fstatat without its copy of the name.
func (s *scan) stat(name []byte) (status unix.Stat_t, errno unix.Errno) {
	_, _, errno = unix.Syscall6(unix.SYS_NEWFSTATAT, uintptr(s.dir.FD), uintptr(unsafe.Pointer(unsafe.SliceData(name))),
		uintptr(unsafe.Pointer(&status)), unix.AT_SYMLINK_NOFOLLOW, 0, 0)
	return status, errno
}
