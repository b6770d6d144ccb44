// Package buffer keeps profiles in a directory, one file each and within limits, until a listener or a replay takes
// them.
//
// Make a [Store] with [New] and give each profile to [Store.Write]. When Write returns nil, the profile is one file,
// profile_YYYYmmdd_HHMMSS_xxxxxxxx.json (UTC, 8 hex digits), mode 0600, in the first usable directory of the store.
// Readers of the directory see the whole file or none.
//
//	job                                      file
//	choose and check a directory             directory.go, path.go
//	write one file                           file.go, name.go
//	keep the directory within its limits     evictor.go, inventory.go, scan.go, pair.go, scan_lock.go
//	give files to a replay                   replay.go, claimed.go
//	tell which listener a file is for        state.go
//
// # Atomic, not durable
//
// A process may be killed at any moment of a Write. It then leaves a whole file, or a temporary one (.transmit-*.tmp)
// that a later scan removes. Nothing is synced: after a power failure, recent files may be missing, empty or incomplete.
//
// # Shared
//
// Any number of processes may write to one directory, and any other may take files from it. A store counts the regular
// files of this user that have one link, except those for another listener. It removes the oldest first, also those of
// other processes. It finds these by scanning the directory. Scans take at most a twelfth of the time, or half of it while
// the directory is more than 1 % over its limits. A directory of a thousand files is within its limits when
// [Store.EnforceLimits] returns. [Store.Step] brings a larger one within its limits soon after; a process that ends earlier
// should go on as [Store.Owes] says. Between two scans, several busy writers may exceed the limits together.
package buffer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

var (
	// ErrNoDirectory means that no candidate can be used. The text has the reason for each.
	ErrNoDirectory = errors.New("no usable buffer directory")

	// ErrFull means that there is no room: the disk, its inodes or a quota are used up, or the profile alone is larger
	// than MaxBytes. The store does not remove other profiles to make room.
	ErrFull = errors.New("buffer is full")
)

// Options say where a store writes and how much it keeps.
type Options struct {
	// Dirs are the candidates, absolute paths, in order of preference.
	Dirs []string

	// NoLinks refuses a directory with a symbolic link in its path, for a caller that has resolved the links already.
	NoLinks bool

	// MaxBytes and MaxFiles limit the profiles of this user for this listener; 0 is no limit.
	MaxBytes, MaxFiles int64

	// Listener is the path of the listener that the profiles are for. With "", the store counts all profiles of this user.
	Listener string
}

// Store writes profiles to the first usable of its directories. One goroutine at a time may use it.
type Store struct {
	options Options
	dir     *directory // nil until it is chosen
	evictor *evictor
	replay  *Replay // keeps what the last replay has read of the directory; may be nil
}

// New makes a store. It touches no disk: the first Write chooses a directory.
func New(o Options) *Store {
	return &Store{options: o}
}

// Has tells whether the store was made with these options.
func (s *Store) Has(o Options) bool {
	return o.Listener == s.options.Listener && o.MaxBytes == s.options.MaxBytes && o.MaxFiles == s.options.MaxFiles &&
		o.NoLinks == s.options.NoLinks && slices.Equal(o.Dirs, s.options.Dirs)
}

// Write writes text to a new file. It returns nil when the whole file has its final name. After an error nothing is left
// of the file; the error is [ErrNoDirectory], [ErrFull], or that of the failed operation.
//
// It blocks as long as the disk does.
func (s *Store) Write(text []byte) error {
	size := int64(len(text))
	if limit := s.options.MaxBytes; limit > 0 && size > limit {
		return fmt.Errorf("%w: a profile of %d bytes is over the limit of %d", ErrFull, size, limit)
	}
	err := s.write(text)
	if outOfPlace(err) {
		s.forget()
		err = s.write(text)
	}
	return err
}

// EnforceLimits removes files until the directory is within its limits, as far as the store knows them and has time.
// Call it after each Write, and after the caller that waits for the file was told: it may read a part of the directory.
//
// It blocks for some milliseconds, if the disk does not block longer.
func (s *Store) EnforceLimits() {
	if s.dir != nil {
		s.evictor.enforce(s.dir)
	}
}

// Step does a small part of the work that EnforceLimits and a replay left for later: scanning a large directory, and
// removing files. It returns whether there is more. Call it between writes.
//
// It blocks for less than a millisecond, if the disk does not block longer.
func (s *Store) Step() (more bool) {
	if s.dir == nil {
		return false
	}
	if s.replay != nil && s.replay.scan != nil {
		_ = s.replay.look()
	}
	more = s.evictor.step(s.dir)
	return more || s.replay != nil && s.replay.scan != nil
}

// Owes tells whether this process holds the right to scan the directory. Before it ends, it should call Step until it does
// not, or StopScan when there is no more time: otherwise processes that live shorter than a scan takes would remove nothing.
func (s *Store) Owes() bool { return s.dir != nil && s.evictor.scanLock != nil }

// StopScan ends a scan that is under way, and removes what is over the limits by what the scan has seen.
//
// It blocks for some milliseconds, if the disk does not block longer.
func (s *Store) StopScan() {
	if s.Owes() {
		s.evictor.stop(s.dir)
	}
}

// Close closes the directory. The store can still be used: the next Write chooses a directory again.
func (s *Store) Close() { s.forget() }

// Dir returns the directory of the last Write, or "" if there was none.
func (s *Store) Dir() string {
	if s.dir == nil {
		return ""
	}
	return s.dir.path
}

func (s *Store) write(text []byte) error {
	if err := s.settleIn(); err != nil {
		return err
	}
	temp, err := s.dir.create(text)
	if err != nil {
		return err
	}
	name, err := s.dir.publish(temp, s.evictor.tags.newNames(time.Now()))
	if err != nil {
		s.dir.remove(temp)
		return err
	}
	s.evictor.added(profile{name: name, size: int64(len(text))})
	return nil
}

// settleIn sets s.dir to an open, usable directory: that of the last Write if its path still leads there, otherwise the
// first usable candidate.
func (s *Store) settleIn() error {
	if s.dir != nil {
		status, isUsable := s.dir.current()
		isUnchanged := s.dir.isCurrent(s.evictor.tags) // the descriptor is ours then
		if isUsable && (isUnchanged || s.dir.IsOurs()) {
			s.evictor.noticeChange(status.Mtim)
			if !isUnchanged {
				_ = s.evictor.readTags(s.dir)
			}
			return nil
		}
		s.forget()
	}
	dir, err := choose(s.options.Dirs, s.options.NoLinks)
	if err != nil {
		return err
	}
	s.dir = dir
	s.evictor = newEvictor(s.options)
	if s.evictor.readTags(dir) == nil {
		dir.recoverClaimed(s.evictor.tags)
	}
	return nil
}

func (s *Store) forget() {
	if s.dir == nil {
		return
	}
	s.evictor.abandonScan()
	if s.replay != nil {
		s.replay.abandon()
	}
	s.dir.Close()
	s.dir, s.evictor, s.replay = nil, nil, nil
}

// outOfPlace tells whether choosing a directory again may help. This one or the temporary file may have been removed (by
// a cleaner of /tmp) or become read-only, or the host may have closed a descriptor.
func outOfPlace(err error) bool {
	for _, errno := range []unix.Errno{unix.ENOENT, unix.ESTALE, unix.EACCES, unix.EROFS, unix.EBADF, unix.ENOTDIR} {
		if errors.Is(err, errno) {
			return !errors.Is(err, ErrNoDirectory)
		}
	}
	return false
}
