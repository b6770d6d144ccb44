package buffer

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// replayRoom is how many profiles a turn knows by name, at about 100 bytes each.
// To find them takes a scan of the whole directory (0.2 s for 100,000 files).
const replayRoom = 1 << 12

// Verdict is what becomes of a profile that was offered.
type Verdict int

const (
	Gone   Verdict = iota // somebody has it: its file is removed
	Bad                   // nobody will ever take it: it is set aside, as bad_profile_….json
	Stays                 // it cannot go this way, or cannot be read; the others can
	NotNow                // it stays, and so do the others
)

// Offer is a profile that may be taken.
type Offer struct {
	Size int64
	file *descriptor
}

// Read fills room, which has the profile's size, with it.
func (o *Offer) Read(room []byte) error {
	for at := 0; at < len(room); {
		if _, ours := o.file.status(); !ours {
			return unix.EBADF
		}
		n, err := unix.Pread(o.file.fd, room[at:], int64(at))
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

// Turn offers a directory's profiles to their listener, oldest first. One process
// at a time has the turn, of each user and listener: what belongs to others is not
// read, nor what is not a regular file with one link.
//
// While it is offered, a profile is in the user's own directory, where no reader
// looks, so nobody else can take it, too. When the process dies then, it is not known
// whether it was taken. It is moved back, by the next turn or by the next process
// that writes there, and is offered again.
type Turn struct {
	dir     *directory
	tags    *tags
	lock    *lock // nil between turns
	largest int64

	scan   *scan     // under way, or nil
	oldest []profile // oldest first
	all    bool      // they were all that there are
	fresh  bool      // they were looked for in this turn
	moved  bool      // some of them are gone
}

var errTurnOver = errors.New("the directory is not ours to empty any more")

// TakeTurn begins a turn for the profiles of up to so many bytes; larger ones
// stay. [ErrTaken]: another process has it. What an earlier turn had found out
// about the directory is kept.
func (s *Store) TakeTurn(largest int64) (*Turn, error) {
	if err := s.settleIn(); err != nil {
		return nil, err
	}
	if err := s.bound.readTags(s.dir); err != nil {
		return nil, err
	}
	tags := s.bound.tags
	l, err := s.dir.lock(s.dir.lockName(replayForm, tags))
	if err != nil {
		return nil, err
	}
	s.dir.restoreClaims(tags)
	if s.turn == nil {
		s.turn = &Turn{dir: s.dir}
	}
	s.turn.tags = tags
	s.turn.lock, s.turn.largest, s.turn.fresh = l, largest, false
	return s.turn, nil
}

// End ends the turn.
func (t *Turn) End() {
	if t.lock != nil {
		t.lock.release()
		t.lock = nil
	}
}

// Limit makes the turn leave what has more bytes.
func (t *Turn) Limit(largest int64) { t.largest = min(t.largest, largest) }

// Offers tells whether Next will offer a profile.
func (t *Turn) Offers() bool { return t.scan == nil && len(t.oldest) > 0 }

// Next looks at some more of the directory, or offers one profile to take. It
// returns whether there is more to do.
//
// It blocks as long as the disk and take do.
func (t *Turn) Next(take func(*Offer) Verdict) (more bool, err error) {
	if t.lock == nil || !t.lock.held() {
		return false, errTurnOver
	}
	if t.scan != nil {
		return true, t.look()
	}
	if len(t.oldest) > 0 {
		return t.offer(t.oldest[0], take)
	}
	if t.fresh && (t.all || !t.moved) {
		return false, nil
	}
	t.scan = newScan(t.dir, t.tags, profile{}, replayRoom)
	t.scan.upTo = t.largest
	t.fresh, t.moved = true, false
	return true, nil
}

// look goes on with the scan, by one block.
func (t *Turn) look() error {
	if t.scan.walkBlock() {
		return nil
	}
	ended := t.scan
	t.scan = nil
	ended.close()
	if ended.err != nil {
		t.fresh = false
		return t.dir.failure("read", ended.err)
	}
	ended.counts.sort()
	t.oldest, t.all = ended.counts.oldest, ended.counts.complete()
	return nil
}

func (t *Turn) offer(p profile, take func(*Offer) Verdict) (more bool, err error) {
	t.oldest = t.oldest[1:]
	if p.size > t.largest || !t.tags.mayBeSent(tagIn([]byte(p.name))) {
		return true, nil
	}
	fd, err := openat(t.dir.fd, p.name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return t.passOver("open", err)
	}
	var status unix.Stat_t
	if err := unix.Fstat(fd, &status); err != nil {
		return t.passOver("fstat", err)
	}
	file := descriptor{fd, status.Dev, status.Ino}
	defer file.close()
	if !isOwn(&status) || status.Nlink != 1 || status.Size > t.largest {
		return true, nil
	}
	if err := t.dir.move(p.name, t.dir.claimOf(p.name)); err != nil {
		return t.passOver("rename", err)
	}
	verdict := Stays
	if t.dir.has(t.dir.claimOf(p.name), &file) {
		verdict = take(&Offer{Size: status.Size, file: &file})
	}
	if verdict == NotNow {
		t.oldest = slices.Insert(t.oldest, 0, p)
	}
	return t.settle(p.name, verdict)
}

// passOver leaves a file that somebody else took or that cannot be taken; other
// errors are not only this file's.
func (t *Turn) passOver(operation string, err error) (more bool, _ error) {
	switch err {
	case unix.ENOENT, unix.EACCES, unix.EPERM, unix.ELOOP, unix.ENXIO, unix.EEXIST:
		return true, nil
	}
	return false, t.dir.failure(operation, err)
}

// settle does what the verdict says with the profile that had that name.
func (t *Turn) settle(name string, verdict Verdict) (more bool, err error) {
	claim := t.dir.claimOf(name)
	switch verdict {
	case Gone:
		err = unix.Unlinkat(t.dir.fd, claim, 0)
	case Bad:
		err = t.dir.move(claim, badPrefix+name)
	default:
		err = t.dir.move(claim, name)
	}
	if err != nil {
		return false, t.dir.failure("settle "+name, err)
	}
	t.moved = t.moved || verdict == Gone || verdict == Bad
	return verdict != NotNow, nil
}

// abandon ends it for good.
func (t *Turn) abandon() {
	t.End()
	if t.scan != nil {
		t.scan.close()
		t.scan = nil
	}
}

// has tells whether the name is that file's.
func (d *directory) has(name string, file *descriptor) bool {
	var named unix.Stat_t
	err := unix.Fstatat(d.fd, name, &named, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && file.is(&named)
}

// claimOf is where a profile is while it is offered.
func (d *directory) claimOf(name string) string { return d.inState(name) }

// recoverClaims moves back what a dead process was about to hand over, unless one
// that lives does it.
func (d *directory) recoverClaims(t *tags) {
	if len(d.claims(t)) == 0 {
		return
	}
	if l, err := d.lock(d.lockName(replayForm, t)); err == nil {
		d.restoreClaims(t)
		l.release()
	}
}

// restoreClaims is for whoever has the lock. The name tells the profile's age, as before.
func (d *directory) restoreClaims(t *tags) {
	for _, claim := range d.claims(t) {
		var status unix.Stat_t
		err := unix.Fstatat(d.fd, claim, &status, unix.AT_SYMLINK_NOFOLLOW)
		if err != nil || !isOwn(&status) || status.Nlink != 1 {
			continue
		}
		if name, inState := strings.CutPrefix(claim, d.state+"/"); !inState || d.move(claim, name) == unix.EEXIST {
			_, _ = d.publish(claim, func() string { return t.newName(time.Unix(status.Mtim.Unix())) })
		}
	}
}

// claims are the profiles in the user's own directory that this listener may have,
// and one that version 1.0 may have left.
func (d *directory) claims(t *tags) (claims []string) {
	_ = d.eachName(d.state, func(name []byte) {
		if hasForm(name, profileForm) && t.mayBeSent(tagIn(name)) {
			claims = append(claims, d.claimOf(string(name)))
		}
	})
	old := fmt.Sprintf(oldClaimForm, unix.Geteuid())
	var status unix.Stat_t
	if t.isAlone() && unix.Fstatat(d.fd, old, &status, unix.AT_SYMLINK_NOFOLLOW) == nil {
		claims = append(claims, old)
	}
	return claims
}
