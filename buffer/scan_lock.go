package buffer

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// maxPause bounds how long a directory stays unwatched after a slow scan. A time that
// is further ahead was set by another clock.
const maxPause = 10 * time.Minute

// claim is the right to look through a directory: one process of each user and listener
// has it at a time. When the next one may is the modification time of its lock's file.
type scanLock struct {
	lock *lock // nil: locks do not work here, each process is by itself
}

// takeScanLock takes the right for a scan. Not ok: another process looks through the
// directory, or it is too early; next is when to try again. urgent disregards the time.
func (d *directory) takeScanLock(t *tags, now time.Time, urgent bool) (c *scanLock, next budget, ok bool) {
	const retry = 50 * time.Millisecond
	l, err := d.lock(d.lockName(scanLockForm, t))
	if errors.Is(err, ErrTaken) {
		return nil, budget{now.Add(advance + retry)}, false
	}
	if err != nil {
		return &scanLock{}, budget{}, true
	}
	next = l.paidUntil(now)
	if !urgent && !next.left(now) {
		l.release()
		return nil, next, false
	}
	return &scanLock{l}, next, true
}

// paidUntil is what the last scan, of any process, has left.
func (l *lock) paidUntil(now time.Time) budget {
	status, _ := l.file.status()
	until := time.Unix(status.Mtim.Unix())
	if until.Sub(now) > maxPause {
		return budget{}
	}
	return budget{until}
}

// end gives the right back and leaves a note for the others.
func (c *scanLock) end(paid budget) {
	if c.lock == nil {
		return
	}
	at := unix.NsecToTimespec(paid.paidUntil.UnixNano())
	_ = unix.UtimesNanoAt(c.lock.dir.fd, c.lock.name, []unix.Timespec{at, at}, unix.AT_SYMLINK_NOFOLLOW)
	c.lock.release()
}

// budget bounds the time that scans take, of all processes together. A little is
// given in advance: small directories can be scanned at every write for a while.
type budget struct{ paidUntil time.Time }

const advance = 200 * time.Millisecond

func (a budget) left(now time.Time) bool {
	return a.paidUntil.Sub(now) < advance
}

// spend takes share times what a scan took. Urgent scans do not add up.
func (a *budget) spend(now time.Time, took time.Duration, share int) {
	if a.paidUntil.Before(now) {
		a.paidUntil = now
	} else if !a.left(now) {
		a.paidUntil = now.Add(advance)
	}
	a.paidUntil = a.paidUntil.Add(min(time.Duration(share)*took, maxPause/2))
}
