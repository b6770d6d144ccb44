package buffer

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// keeper holds one directory to its limits, at a cost that does not depend on
// how many files are in it. It counts what its own store writes and evicts; the
// directory's modification time tells when somebody else changed it. It is
// scanned when they did, and when there are no more names to evict.
//
// Before Linux 6.13 that time has the grain of a clock tick (1 to 10 ms): what
// another process does in the tick of our own last change goes unnoticed until
// the next change.
type keeper struct {
	maxFiles, maxBytes int64 // 0: no limit

	have    inventory
	known   bool          // have began with a scan
	changed bool          // by others, since that scan began
	mtime   unix.Timespec // the directory's, after our own last change
	newest  profile       // of our own

	scan      *scan // under way, or nil
	allowance allowance
}

func newKeeper(maxFiles, maxBytes int64) *keeper {
	return &keeper{maxFiles: maxFiles, maxBytes: maxBytes}
}

// nextName is a name for a profile, that a scan under way will leave to us.
func (k *keeper) nextName() string {
	name := newProfileName()
	if k.scan != nil {
		k.scan.leave(name)
	}
	return name
}

// added counts a profile that has just got its name.
func (k *keeper) added(p profile) {
	k.newest = p
	k.have.add(p)
	if k.scan != nil {
		k.scan.made = append(k.scan.made, p)
	}
}

// noticeChange compares the directory's modification time with the one that our
// own last change left.
func (k *keeper) noticeChange(mtime unix.Timespec) {
	if mtime != k.mtime {
		k.changed = true
	}
}

// enforce evicts the oldest profiles until the directory is within its limits.
func (k *keeper) enforce(dir *directory) {
	k.refresh(dir)
	for k.over() {
		if len(k.have.oldest) == 0 && !k.refresh(dir) {
			break
		}
		k.evictOldest(dir)
	}
	if status, ok := dir.status(); ok {
		k.mtime = status.Mtim
	}
}

func (k *keeper) over() bool {
	return k.known && (k.maxFiles > 0 && k.have.files > k.maxFiles || k.maxBytes > 0 && k.have.bytes > k.maxBytes)
}

// evictOldest counts the profile out whatever becomes of it: if it is not there
// somebody else took it, and if it cannot be removed it cannot be bounded.
func (k *keeper) evictOldest(dir *directory) {
	p := k.have.takeOldest()
	if k.scan != nil {
		k.scan.made = slices.DeleteFunc(k.scan.made, func(m profile) bool { return m.name == p.name })
	}
	dir.remove(p.name)
}

// refresh scans the directory if that is due, and tells whether a scan's result
// has been taken over. Only a writer that is over the limit, and knows of
// nothing to evict, waits for a scan: it writes faster than scans can follow.
func (k *keeper) refresh(dir *directory) bool {
	if k.scan == nil && k.scanIsDue() {
		k.changed = false
		k.scan = startScan(dir, k.newest, oldestOf(k.have.files))
	}
	patience := time.Duration(0)
	if k.over() && len(k.have.oldest) == 0 {
		patience = scanPatience
	}
	if k.scan == nil || !k.scan.endsWithin(patience) {
		return false
	}
	return k.takeOver(dir)
}

// scanIsDue bounds the scans that others cause by time, and those that our own
// evictions cause by their number.
func (k *keeper) scanIsDue() bool {
	if k.over() && k.have.runningOut() {
		return true
	}
	limited := k.maxFiles > 0 || k.maxBytes > 0
	return (!k.known || limited && k.changed) && k.allowance.left(time.Now())
}

func (k *keeper) takeOver(dir *directory) bool {
	ended := k.scan
	k.scan = nil
	k.allowance.spend(time.Now(), ended.took)
	if ended.err != nil {
		k.changed = true
		return false
	}
	for _, temp := range ended.debris {
		dir.remove(temp)
	}
	k.have, k.known = ended.result(), true
	return true
}

func (k *keeper) abandonScan() {
	if k.scan != nil {
		k.scan.abandoned.Store(true)
	}
}

// allowance lets scans take a tenth of the time, and a little in advance: small
// directories can be scanned at every write for a while.
type allowance struct{ paidUntil time.Time }

func (a *allowance) left(now time.Time) bool {
	const advance = 200 * time.Millisecond
	return a.paidUntil.Sub(now) < advance
}

func (a *allowance) spend(now time.Time, took time.Duration) {
	if a.paidUntil.Before(now) {
		a.paidUntil = now
	}
	a.paidUntil = a.paidUntil.Add(10 * took)
}
