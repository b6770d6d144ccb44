package buffer

import (
	"errors"
	"io"
	"slices"

	"golang.org/x/sys/unix"

	"libtransmit/buffer/descriptor"
)

// replayRoom is how many profiles a replay remembers by name, at about 100 bytes each. Finding them takes a scan of
// the whole directory.
const replayRoom = 1 << 12

// ReplayResult says what a caller of [Replay.Next] did with a profile.
type ReplayResult int

const (
	Delivered ReplayResult = iota // it was sent: its file is removed
	Malformed                     // no listener can use it: its file is renamed to bad_profile_….json
	Kept                          // it cannot be sent or read: its file stays, and the replay goes on
	Stopped                       // its file stays, and the replay ends for now
)

// ReplayFile is a profile that a replay has claimed.
type ReplayFile struct {
	Size int64
	file *descriptor.File
}

// Read fills room, which has the profile's size.
func (f *ReplayFile) Read(room []byte) error {
	for at := 0; at < len(room); {
		if _, ours := f.file.Status(); !ours {
			return unix.EBADF
		}
		n, err := unix.Pread(f.file.FD, room[at:], int64(at))
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return io.ErrUnexpectedEOF
		}
		at += n
	}
	return nil
}

// Replay gives a directory's profiles to their listener, oldest first. One process at a time can replay for a user
// and listener. It skips what belongs to others and what is not a regular file with one link.
//
// A profile moves to the user's own directory while it is sent, so that other readers do not find it (claimed.go).
// If the process dies meanwhile, the profile may or may not have been sent. The next replay, or the next process that
// writes, moves it back, and it is sent again.
type Replay struct {
	dir     *directory
	tags    *tags
	lock    *lock // nil between BeginReplay and End
	largest int64

	scan    *scan     // under way, or nil
	oldest  []profile // oldest first
	isAll   bool      // oldest holds all profiles of the directory
	isFresh bool      // oldest was filled since BeginReplay
	hasGone bool      // some of oldest left the directory
}

var errReplayOver = errors.New("the lock of the replay was lost")

// BeginReplay starts a replay of the profiles of up to largest bytes. It returns [ErrTaken] if another process replays.
// It keeps what an earlier replay has read of the directory.
func (s *Store) BeginReplay(largest int64) (*Replay, error) {
	if err := s.settleIn(); err != nil {
		return nil, err
	}
	if err := s.evictor.readTags(s.dir); err != nil {
		return nil, err
	}
	tags := s.evictor.tags
	l, err := s.dir.lock(s.dir.lockName(replayForm, tags))
	if err != nil {
		return nil, err
	}
	s.dir.restoreClaimed(tags)
	if s.replay == nil {
		s.replay = &Replay{dir: s.dir}
	}
	s.replay.tags = tags
	s.replay.lock, s.replay.largest, s.replay.isFresh = l, largest, false
	return s.replay, nil
}

// End lets another process replay.
func (r *Replay) End() {
	if r.lock != nil {
		r.lock.release()
		r.lock = nil
	}
}

// Limit lowers the size of the profiles that the replay gives out.
func (r *Replay) Limit(largest int64) { r.largest = min(r.largest, largest) }

// HasNext tells whether Next will call send.
func (r *Replay) HasNext() bool { return r.scan == nil && len(r.oldest) > 0 }

// Next reads one more block of the directory, or calls send with one profile. It returns whether there is more to do.
//
// It blocks as long as the disk and send do.
func (r *Replay) Next(send func(*ReplayFile) ReplayResult) (more bool, err error) {
	if r.lock == nil || !r.lock.held() {
		return false, errReplayOver
	}
	if r.scan != nil {
		return true, r.look()
	}
	if len(r.oldest) > 0 {
		return r.claimAndSend(r.oldest[0], send)
	}
	if r.isFresh && (r.isAll || !r.hasGone) {
		return false, nil
	}
	r.scan = newScan(r.dir, r.tags, profile{}, replayRoom)
	r.scan.upTo = r.largest
	r.isFresh, r.hasGone = true, false
	return true, nil
}

// look takes the scan one block further.
func (r *Replay) look() error {
	if r.scan.walkBlock() {
		return nil
	}
	ended := r.scan
	r.scan = nil
	ended.close()
	if ended.err != nil {
		r.isFresh = false
		return r.dir.failure("read", ended.err)
	}
	ended.counts.sort()
	r.oldest, r.isAll = ended.counts.oldest, ended.counts.complete()
	return nil
}

func (r *Replay) claimAndSend(p profile, send func(*ReplayFile) ReplayResult) (more bool, err error) {
	r.oldest = r.oldest[1:]
	if p.size > r.largest || !r.tags.mayBeSent(tagIn([]byte(p.name))) {
		return true, nil
	}
	fd, err := openat(r.dir.FD, p.name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return r.skip("open", err)
	}
	var status unix.Stat_t
	if err := unix.Fstat(fd, &status); err != nil {
		return r.skip("fstat", err)
	}
	file := descriptor.Of(fd, &status)
	defer file.Close()
	if !isOwn(&status) || status.Nlink != 1 || status.Size > r.largest {
		return true, nil
	}
	if err := r.dir.move(p.name, r.dir.claimedPath(p.name)); err != nil {
		return r.skip("rename", err)
	}
	result := Kept
	if r.dir.has(r.dir.claimedPath(p.name), &file) {
		result = send(&ReplayFile{Size: status.Size, file: &file})
	}
	if result == Stopped {
		r.oldest = slices.Insert(r.oldest, 0, p)
	}
	return r.settle(p.name, result)
}

// skip continues the replay after an error that is about this file alone: another reader took it, or it cannot be claimed.
func (r *Replay) skip(operation string, err error) (more bool, _ error) {
	switch err {
	case unix.ENOENT, unix.EACCES, unix.EPERM, unix.ELOOP, unix.ENXIO, unix.EEXIST:
		return true, nil
	}
	return false, r.dir.failure(operation, err)
}

// settle removes, renames or moves back the claimed profile, as result says.
func (r *Replay) settle(name string, result ReplayResult) (more bool, err error) {
	claimed := r.dir.claimedPath(name)
	switch result {
	case Delivered:
		err = unix.Unlinkat(r.dir.FD, claimed, 0)
	case Malformed:
		err = r.dir.move(claimed, badPrefix+name)
	default:
		err = r.dir.move(claimed, name)
	}
	if err != nil {
		return false, r.dir.failure("settle "+name, err)
	}
	r.hasGone = r.hasGone || result == Delivered || result == Malformed
	return result != Stopped, nil
}

// abandon ends the replay and forgets what it has read of the directory.
func (r *Replay) abandon() {
	r.End()
	if r.scan != nil {
		r.scan.close()
		r.scan = nil
	}
}
