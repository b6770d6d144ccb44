// Package buffer keeps profiles on disk until somebody takes them: a directory
// of whole files, bounded in bytes and in number.
//
// Make a [Store] with [New] and give each profile to [Store.Write]. When Write
// returns nil, the profile is one file, profile_YYYYmmdd_HHMMSS_xxxxxxxx.json
// (UTC, 8 hex digits), mode 0600, in the first usable of the store's
// directories. Whoever reads the directory sees it whole or not at all.
//
// # Atomic, not durable
//
// A process may be killed at any moment of a Write: what it leaves is a whole
// file, or a temporary one (.transmit-*.tmp) that a later scan removes. Nothing
// is synced: after a power failure, recent files may be missing, empty or cut.
//
// # Shared
//
// Any number of processes may write to one directory and any other may take
// files from it. Only regular files of this user's with one link count, and of
// those not what is for another listener. Each store bounds all of them, its own and
// other processes', oldest out first. It learns what the others did by scanning the
// directory, at most a tenth of the time: one of a thousand files is within its
// limits when [Store.Bound] returns, a larger one soon after, by [Store.Work], provided
// that its writers live as long as a scan (0.2 s for 100,000 files). Between
// scans, several busy writers may be over the limits together.
package buffer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

var (
	// ErrNoDirectory means that no candidate can be used. Its text has each
	// one's reason.
	ErrNoDirectory = errors.New("no usable buffer directory")

	// ErrFull means that there is no room: the disk, its inodes or a quota are
	// used up, or the profile alone is larger than MaxBytes. What the buffer
	// holds already is not given up for it.
	ErrFull = errors.New("buffer is full")
)

// Options say where a store writes and how much it keeps.
type Options struct {
	// Dirs are the candidates, absolute paths, in order of preference.
	Dirs []string

	// NoLinks refuses a directory with a link in its path: whoever has resolved them wants no others.
	NoLinks bool

	// MaxBytes and MaxFiles bound this user's profiles for this listener in the
	// directory; 0 is no limit.
	MaxBytes, MaxFiles int64

	// Listener names whom the profiles are for. "": nobody in particular; then all
	// profiles of this user's are the store's.
	Listener string
}

// Store writes profiles into the first usable of its directories. One goroutine
// at a time may use it.
type Store struct {
	options Options
	dir     *directory // nil until it is chosen
	evictor *evictor
	replay  *Replay // what is known for the next one; nil: nothing
}

// New makes a store and does nothing else: the first Write chooses a directory.
func New(o Options) *Store {
	return &Store{options: o}
}

// Has tells whether these are the store's options.
func (s *Store) Has(o Options) bool {
	return o.Listener == s.options.Listener && o.MaxBytes == s.options.MaxBytes && o.MaxFiles == s.options.MaxFiles &&
		o.NoLinks == s.options.NoLinks && slices.Equal(o.Dirs, s.options.Dirs)
}

// Write makes one file of the concatenation of pieces. It returns nil when the
// file is whole under its final name; otherwise nothing is left of it, and the
// error is [ErrNoDirectory], [ErrFull], or the failed operation's.
//
// It blocks as long as the disk does.
func (s *Store) Write(pieces ...[]byte) error {
	size := length(pieces)
	if limit := s.options.MaxBytes; limit > 0 && size > limit {
		return fmt.Errorf("%w: a profile of %d bytes is over the limit of %d", ErrFull, size, limit)
	}
	err := s.write(pieces, size)
	if outOfPlace(err) {
		s.forget()
		err = s.write(pieces, size)
	}
	return err
}

// Bound brings the directory within its limits, as far as that is known and can be
// done soon. It is to be called after each Write, when whoever waits for the file
// has been told: it may read a part of the directory.
//
// It blocks for some milliseconds, if the disk does not block longer.
func (s *Store) EnforceLimits() {
	if s.dir != nil {
		s.evictor.enforce(s.dir)
	}
}

// Work does a little of what Bound and a turn left for later, looking through a
// large directory and bounding it, and returns whether there is more. Whoever
// writes calls it in between.
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

// Close gives the directory's descriptor back. The store can still be used: the
// next Write chooses anew.
func (s *Store) Close() error {
	s.forget()
	return nil
}

// Dir is the directory that the last Write used; "" if there was none.
func (s *Store) Dir() string {
	if s.dir == nil {
		return ""
	}
	return s.dir.path
}

func (s *Store) write(pieces [][]byte, size int64) error {
	if err := s.settleIn(); err != nil {
		return err
	}
	temp, err := s.dir.create(pieces)
	if err != nil {
		return err
	}
	name, err := s.dir.publish(temp, func() string { return s.evictor.tags.newName(time.Now()) })
	if err != nil {
		s.dir.remove(temp)
		return err
	}
	s.evictor.added(profile{name: name, size: size})
	return nil
}

// settleIn leaves s.dir open and usable: the one of the last Write if that is
// still what its path names, otherwise the first usable candidate.
func (s *Store) settleIn() error {
	if s.dir != nil {
		if status, ok := s.dir.current(); ok {
			s.evictor.noticeChange(status.Mtim)
			if !s.dir.isCurrent(s.evictor.tags) {
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
	s.dir.close()
	s.dir, s.evictor, s.replay = nil, nil, nil
}

// outOfPlace tells whether choosing a directory again may help: this one, or
// the temporary file, was taken away (a cleaner of /tmp), or may no longer be
// written to (its mode changed, its disk went read-only), or the host has closed
// a descriptor meanwhile.
func outOfPlace(err error) bool {
	for _, errno := range []unix.Errno{unix.ENOENT, unix.ESTALE, unix.EACCES, unix.EROFS, unix.EBADF, unix.ENOTDIR} {
		if errors.Is(err, errno) {
			return !errors.Is(err, ErrNoDirectory)
		}
	}
	return false
}

func length(pieces [][]byte) (total int64) {
	for _, piece := range pieces {
		total += int64(len(piece))
	}
	return total
}
