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

const (
	// Scans take a twelfth of the time, of all processes together. While they find
	// the directory more than 1 % over its limits, half of it.
	usualShare  = 12
	urgentShare = 2
)

// evictor holds one directory to its limits, at a cost that does not depend on
// how many files are in it. It counts what its own store writes and evicts; the
// directory's modification time tells when another process changed it.
//
//	the only writer            knows the directory after one scan, and evicts as it writes
//	one of several, its turn   scans, evicts what is over the limits, and forgets
//	one of several             writes, and does nothing else
//
// See takeScanLock for the turns.
//
// Before Linux 6.13 that time has the grain of a clock tick (1 to 10 ms): what
// another process does in the tick of our own last change goes unnoticed until
// the next change.
type evictor struct {
	maxFiles, maxBytes int64 // 0: no limit
	listener           string
	tags               *tags

	have    inventory
	known   bool          // have began with a scan
	changed bool          // by others, since that scan began
	mtime   unix.Timespec // the directory's, after our own last change
	newest  profile       // of our own

	scan       *scan     // under way, or nil
	scanLock   *scanLock // for the scan, and for evicting what it finds; or nil
	budget     budget
	removed    int           // profiles, since the last scan
	evictedNow int           // the same, since the claim
	took       time.Duration // by scans, since the claim
}

func newEvictor(o Options) *evictor {
	return &evictor{maxFiles: o.MaxFiles, maxBytes: o.MaxBytes, listener: o.Listener}
}

// readTags is for each scan and turn: another listener's first profile may be there.
// A profile can be written also if there is no room for the user's own directory.
func (k *evictor) readTags(dir *directory) (err error) {
	k.tags, err = dir.readTags(k.listener)
	return err
}

// added counts a profile that has just got its name.
func (k *evictor) added(p profile) {
	k.newest = p
	k.have.add(p)
	if k.scan != nil {
		k.scan.leave(p)
	}
}

// noticeChange compares the directory's modification time with the one that our
// own last change left.
func (k *evictor) noticeChange(mtime unix.Timespec) {
	if mtime == k.mtime {
		return
	}
	k.changed = true
	if k.scanLock == nil {
		k.forget()
	}
}

func (k *evictor) isLimited() bool { return k.maxFiles > 0 || k.maxBytes > 0 }

// enforce evicts the oldest profiles until the directory is within its limits,
// as far as that is known and can be done soon.
func (k *evictor) enforce(dir *directory) {
	if k.scan == nil && k.scanIsDue(dir) {
		k.startScan(dir)
	} else if k.scan != nil {
		k.goOn(dir) // a busy writer has no time for work
	}
	k.evict(dir, evictAtOnce)
	// It writes faster than scans can follow if it knows of nothing to evict.
	if k.over() && len(k.have.oldest) == 0 && k.scan != nil && k.walk(dir, 0) {
		k.evict(dir, evictAtOnce)
	}
	k.endScanLock()
}

// work goes on with a scan, or with what is left to evict. It returns whether
// there is more to do.
func (k *evictor) step(dir *directory) (more bool) {
	if k.scan != nil && !k.goOn(dir) {
		k.endScanLock()
		return k.scan != nil
	}
	k.evict(dir, evictPerStep)
	k.endScanLock()
	return k.over() && len(k.have.oldest) > 0
}

// endScanLock lets another process look through the directory, when all is done.
func (k *evictor) endScanLock() {
	if k.scanLock == nil || k.scan != nil || k.over() && len(k.have.oldest) > 0 {
		return
	}
	share := usualShare
	if int64(k.evictedNow) > k.have.files/100 {
		share = urgentShare
	}
	k.budget.spend(time.Now(), k.took, share)
	k.scanLock.end(k.budget)
	k.scanLock = nil
	if k.changed {
		k.forget()
	}
}

// forget is for a directory that another process has changed: what was known is of no use.
func (k *evictor) forget() {
	if k.isLimited() {
		k.have, k.known = inventory{}, false
	}
}

// evict evicts so many at most.
func (k *evictor) evict(dir *directory, most int) {
	for ; most > 0 && k.over() && len(k.have.oldest) > 0; most-- {
		k.evictOldest(dir)
	}
	if status, ok := dir.status(); ok {
		k.mtime = status.Mtim
	}
}

func (k *evictor) over() bool {
	return k.known && (k.maxFiles > 0 && k.have.files > k.maxFiles || k.maxBytes > 0 && k.have.bytes > k.maxBytes)
}

// evictOldest counts the profile out whatever becomes of it: if it is not there
// another process took it, and if it cannot be removed it cannot be bounded.
func (k *evictor) evictOldest(dir *directory) {
	p := k.have.takeOldest()
	if k.scan != nil {
		k.scan.evicted(p)
	}
	if dir.remove(p.name) {
		k.removed++
		k.evictedNow++
	}
}

func (k *evictor) startScan(dir *directory) {
	k.changed = false
	_ = k.readTags(dir)
	k.scan = newScan(dir, k.tags, k.newest, oldestOf(k.have.files))
	k.walk(dir, scanAhead)
}

// walk goes on with the scan until it has seen so many names and scanPatience has
// passed. It returns whether the scan's result is known.
func (k *evictor) walk(dir *directory, names int) bool {
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
func (k *evictor) goOn(dir *directory) bool {
	return !k.scan.walkBlock() && k.takeOver(dir)
}

// scanIsDue claims a scan if one is wanted and may be. Those that our own evictions
// cause are bounded by their number, all others by time: that files cannot be removed
// is no reason to look again at once.
func (k *evictor) scanIsDue(dir *directory) (due bool) {
	now := time.Now()
	runsOut := k.over() && k.have.runningOut()
	urgent := runsOut && k.removed > 0
	wanted := !k.known || runsOut || k.isLimited() && k.changed
	if k.scanLock != nil || !wanted || !urgent && !k.budget.left(now) {
		return k.scanLock != nil && urgent
	}
	k.evictedNow, k.took = 0, 0
	var others budget
	if k.scanLock, others, due = dir.takeScanLock(k.tags, now, urgent); others != (budget{}) {
		k.budget = others
	}
	return due
}

func (k *evictor) takeOver(dir *directory) bool {
	ended := k.scan
	k.scan = nil
	ended.close()
	k.took += ended.took
	if ended.err != nil {
		k.changed = true
		return false
	}
	for _, temp := range ended.debris {
		dir.remove(temp)
	}
	k.have, k.known, k.removed = ended.result(), true, 0
	return true
}

func (k *evictor) abandonScan() {
	if k.scan != nil {
		k.scan.close()
		k.scan = nil
	}
	if k.scanLock != nil {
		k.scanLock.end(k.budget)
		k.scanLock = nil
	}
}
