package buffer

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// A scan holds up whoever begins it until it has seen scanAhead names
	// and scanPatience has passed; the rest is done between writes.
	scanAhead    = 512
	scanPatience = 5 * time.Millisecond

	evictAtOnce  = 1024 // files, by one write: a few milliseconds
	evictPerStep = 64
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

// added counts a profile that has just got its name.
func (k *keeper) added(p profile) {
	k.newest = p
	k.have.add(p)
	if k.scan != nil {
		k.scan.leave(p)
	}
}

// noticeChange compares the directory's modification time with the one that our
// own last change left.
func (k *keeper) noticeChange(mtime unix.Timespec) {
	if mtime != k.mtime {
		k.changed = true
	}
}

// enforce evicts the oldest profiles until the directory is within its limits,
// as far as that is known and can be done soon.
func (k *keeper) enforce(dir *directory) {
	if k.scan == nil && k.scanIsDue() {
		k.startScan(dir)
	} else if k.scan != nil {
		k.goOn(dir) // a busy writer has no time for work
	}
	k.evict(dir, evictAtOnce)
	// It writes faster than scans can follow if it knows of nothing to evict.
	if k.over() && len(k.have.oldest) == 0 && k.scan != nil && k.walk(dir, 0) {
		k.evict(dir, evictAtOnce)
	}
}

// work goes on with a scan, or with what is left to evict. It returns whether
// there is more to do.
func (k *keeper) work(dir *directory) (more bool) {
	if k.scan != nil && !k.goOn(dir) {
		return k.scan != nil
	}
	k.evict(dir, evictPerStep)
	return k.over() && len(k.have.oldest) > 0
}

// evict evicts so many at most.
func (k *keeper) evict(dir *directory, most int) {
	for ; most > 0 && k.over() && len(k.have.oldest) > 0; most-- {
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
		k.scan.evicted(p)
	}
	dir.remove(p.name)
}

func (k *keeper) startScan(dir *directory) {
	k.changed = false
	k.scan = newScan(dir, k.newest, oldestOf(k.have.files))
	k.walk(dir, scanAhead)
}

// walk goes on with the scan until it has seen so many names and scanPatience has
// passed. It returns whether the scan's result is known.
func (k *keeper) walk(dir *directory, names int) bool {
	for began := time.Now(); k.scan != nil; {
		if k.goOn(dir) {
			return true
		}
		if k.scan != nil && k.scan.seen >= names && time.Since(began) >= scanPatience {
			break
		}
	}
	return false
}

// goOn takes the scan one block further, and its result over when it has ended,
// which it returns.
func (k *keeper) goOn(dir *directory) bool {
	return !k.scan.walkBlock() && k.takeOver(dir)
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
	ended.close()
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
		k.scan.close()
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
