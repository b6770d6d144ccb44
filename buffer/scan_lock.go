package buffer

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// maxPause is the longest pause after a slow scan. A time that is further ahead is from before the clock was set back, or
// from another clock.
const maxPause = 10 * time.Minute

// scanLock is the right to scan a directory. One process of each user and listener holds it at a time. The modification
// time of its file is the earliest time of the next scan; while it is held, since when.
type scanLock struct {
	lock *lock // nil: locks do not work here, so each process scans for itself
}

// takeScanLock takes the lock. It fails if another process scans, or if it is too early; next is when to try again.
// urgent ignores the time.
func (d *directory) takeScanLock(t *tags, now time.Time, urgent bool) (c *scanLock, next budget, ok bool) {
	const retry = 50 * time.Millisecond
	name := d.lockName(scanLockForm, t)
	l, err := d.lock(name)
	if errors.Is(err, ErrTaken) && !d.isStuck(name, now) {
		return nil, budget{now.Add(advance + retry)}, false
	}
	if err != nil {
		return &scanLock{}, budget{}, true
	}
	next = l.paidUntil()
	if !urgent && !next.left(now) {
		l.release()
		return nil, next, false
	}
	d.setTime(name, now)
	return &scanLock{l}, next, true
}

// isStuck tells whether a process has held the lock for longer than any scan takes: it is stopped, or a child that has
// inherited the lock lives on. One of the others then scans without the lock, and none for as long again.
func (d *directory) isStuck(lock string, now time.Time) bool {
	var status unix.Stat_t
	err := unix.Fstatat(d.FD, lock, &status, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || now.Sub(time.Unix(status.Mtim.Unix())).Abs() < maxPause {
		return false
	}
	d.setTime(lock, now)
	return true
}

func (d *directory) setTime(name string, at time.Time) {
	time := unix.NsecToTimespec(at.UnixNano())
	_ = unix.UtimesNanoAt(d.FD, name, []unix.Timespec{time, time}, unix.AT_SYMLINK_NOFOLLOW)
}

// paidUntil returns the budget after the last scan of any process.
func (l *lock) paidUntil() budget {
	status, _ := l.file.Status()
	return budget{time.Unix(status.Mtim.Unix())}
}

// end releases the lock and stores for other processes when the next scan may start.
func (c *scanLock) end(paid budget) {
	if c.lock == nil {
		return
	}
	c.lock.dir.setTime(c.lock.name, paid.paidUntil)
	c.lock.release()
}

// budget limits the share of the time that all processes spend on scans. A scan is paid for by the pause after it. A
// small advance lets small directories be scanned at every write for a while.
type budget struct{ paidUntil time.Time }

const advance = 200 * time.Millisecond

func (a budget) left(now time.Time) bool {
	pause := a.paidUntil.Sub(now)
	return pause < advance || pause > maxPause
}

// spend adds the pause after a scan. Urgent scans do not add up.
func (a *budget) spend(now time.Time, pause time.Duration) {
	if ahead := a.paidUntil.Sub(now); ahead < 0 || ahead > maxPause {
		a.paidUntil = now
	} else if !a.left(now) {
		a.paidUntil = now.Add(advance)
	}
	a.paidUntil = a.paidUntil.Add(min(pause, maxPause/2))
}
