package buffer

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// A scan holds up the writer until it has seen scanAhead names and
	// scanPatience has passed; the rest is done beside it.
	scanAhead    = 512
	scanPatience = 5 * time.Millisecond

	// debrisAge is more than a write can take. Should one take longer, its
	// temporary file is gone and it writes again.
	debrisAge = time.Minute
	maxDebris = 256
)

// scan is one walk through a directory. The writer goes on while it lasts: what
// the writer makes meanwhile is left to it, whether the walk comes by or not.
// What the writer evicts may have been counted; it is then among the oldest, and
// the next to be counted out.
type scan struct {
	dir       *directory
	ownedOnly bool   // in a sticky directory: nobody can remove others' files
	owner     uint32 // our own user
	began     time.Time
	buffer    []byte
	seen      int
	abandoned atomic.Bool // nobody waits for the result

	// For the writer, once it has finished.
	took   time.Duration
	counts inventory
	debris []string // temporary files that crashes left
	err    error
	done   chan struct{}

	made []profile // the writer's, in order; the walk does not touch them

	mu   sync.Mutex
	left map[string]struct{} // the names of made, before they are
}

// startScan scans dir for its totals and its oldest profiles. The newest is the
// caller's own. It returns when the scan has finished, or lets it go on by itself.
func startScan(dir *directory, newest profile, oldest int) *scan {
	s := &scan{
		owner:  uint32(unix.Geteuid()),
		began:  time.Now(),
		buffer: make([]byte, 32<<10),
		counts: inventory{room: oldest},
		done:   make(chan struct{}),
		made:   []profile{newest},
		left:   map[string]struct{}{newest.name: {}},
	}
	s.dir, s.err = dir.reopen()
	if s.err != nil || s.walkAhead() {
		s.finish()
	} else {
		go s.walkOn()
	}
	return s
}

// leave tells the walk that the writer is about to make a name.
func (s *scan) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left[name] = struct{}{}
}

// endsWithin sleeps in the kernel: a Go timer would start the runtime's network
// poller, and a host that closes its descriptor, as daemons close all, would die.
func (s *scan) endsWithin(patience time.Duration) bool {
	for deadline := time.Now().Add(patience); ; {
		select {
		case <-s.done:
			return true
		default:
		}
		if !time.Now().Before(deadline) {
			return false
		}
		unix.Nanosleep(&unix.Timespec{Nsec: int64(100 * time.Microsecond)}, nil)
	}
}

// result is what is in the directory, once the scan has finished.
func (s *scan) result() inventory {
	all := s.counts
	all.sort()
	for _, p := range s.made {
		all.add(p)
	}
	return all
}

func (s *scan) walkAhead() (ended bool) {
	for s.seen < scanAhead || time.Since(s.began) < scanPatience {
		if !s.walkBlock() {
			return true
		}
	}
	return false
}

func (s *scan) walkOn() {
	// A panic in a goroutine would end the host's process.
	defer func() {
		if p := recover(); p != nil {
			s.err = fmt.Errorf("scan: %v", p)
		}
		s.finish()
	}()
	for !s.abandoned.Load() && s.walkBlock() {
	}
}

func (s *scan) finish() {
	if s.dir != nil {
		s.dir.close()
	}
	s.buffer = nil
	s.took = time.Since(s.began)
	close(s.done)
}

// walkBlock looks at the next names, as many as one system call gives; false if
// there are no more.
func (s *scan) walkBlock() bool {
	status, ok := s.dir.status()
	if !ok {
		s.err = unix.EBADF
		return false
	}
	s.ownedOnly = status.Mode&unix.S_ISVTX != 0
	n, err := unix.Getdents(s.dir.fd, s.buffer)
	if n <= 0 || err != nil {
		s.err = err
		return false
	}
	_, _, names := unix.ParseDirent(s.buffer[:n], -1, nil)
	s.seen += len(names)
	for _, name := range names {
		s.look(name)
	}
	return true
}

func (s *scan) look(name string) {
	isTemp := hasForm(name, tempForm) || hasForm(name, phpTempForm)
	if !isTemp && !hasForm(name, profileForm) || s.isLeft(name) {
		return
	}
	var status unix.Stat_t
	err := unix.Fstatat(s.dir.fd, name, &status, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || status.Mode&unix.S_IFMT != unix.S_IFREG || s.ownedOnly && status.Uid != s.owner {
		return
	}
	if !isTemp {
		s.counts.found(profile{name: name, size: status.Size, mtime: status.Mtim.Nano()})
	} else if s.began.Sub(time.Unix(status.Mtim.Unix())) > debrisAge && len(s.debris) < maxDebris {
		s.debris = append(s.debris, name)
	}
}

func (s *scan) isLeft(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, left := s.left[name]
	return left
}
