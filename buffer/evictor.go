package buffer

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// The write that begins a scan continues it until the scan has seen scanAhead names and scanPatience has passed.
	// The rest is done between writes.
	scanAhead    = 512
	scanPatience = 5 * time.Millisecond

	evictAtOnce  = 1024 // files that one write removes at most: a few milliseconds
	evictPerStep = 64
)

// Scans of all processes together take a twelfth of the time. While the directory is more than 1 % over its limits, they
// take half of it. While there is much room, they take a tenth of the usual, but there is at least one scan in a second.
const (
	usualShare  = 12
	urgentShare = 2
	roomyShare  = 120
)

// More than all processes together write in a second.
const (
	roomFiles = 10_000
	roomBytes = 256 << 20
)

// evictor keeps one directory within its limits. The cost of a write does not depend on the number of files. It counts the
// files that its own store writes and removes. The directory's modification time tells when another process changed it.
//
//	the only writer                      scans once, then removes files as it writes
//	one of several, with the lock        scans, removes what is over the limits, forgets its counts
//	one of several, without the lock     only writes
//
// See takeScanLock for the lock.
//
// Before Linux 6.13, modification times have a resolution of one clock tick (1 to 10 ms). A change by another process in
// the same tick as our own last change is noticed only at the next change.
type evictor struct {
	maxFiles, maxBytes int64 // 0: no limit
	listener           string
	tags               *tags

	have    inventory
	known   bool          // have is based on a scan
	changed bool          // another process changed the directory since that scan began
	mtime   unix.Timespec // the directory's, after our own last change
	newest  profile       // the last one that this store wrote

	scan       *scan     // under way, or nil
	scanLock   *scanLock // held for the scan and for removing what it finds; or nil
	budget     budget
	removed    int           // profiles that were removed since the last scan
	evictedNow int           // the same, since the lock was taken
	took       time.Duration // duration of the scans since the lock was taken
}

func newEvictor(o Options) *evictor {
	return &evictor{maxFiles: o.MaxFiles, maxBytes: o.MaxBytes, listener: o.Listener}
}

// readTags must be called for each scan and replay, because another listener may have got a number meanwhile. After an
// error, profiles can still be written.
func (k *evictor) readTags(dir *directory) (err error) {
	k.tags, err = dir.readTags(k.listener)
	return err
}

// added counts a profile that this store has written.
func (k *evictor) added(p profile) {
	k.newest = p
	k.have.add(p)
	if k.scan != nil {
		k.scan.skip(p)
	}
}

// noticeChange compares the directory's modification time with that of our own last change.
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

// enforce removes the oldest profiles until the directory is within its limits, as far as it knows them and has time.
func (k *evictor) enforce(dir *directory) {
	if k.scan == nil && k.scanIsDue(dir) {
		k.startScan(dir)
	} else if k.scan != nil {
		k.goOn(dir) // a busy writer never calls step
	}
	k.evict(dir, evictAtOnce)
	// If it knows no file to remove, it writes faster than scans can follow: finish the scan now.
	if k.over() && len(k.have.oldest) == 0 && k.scan != nil && k.walk(dir, 0) {
		k.evict(dir, evictAtOnce)
	}
	k.endScanLock()
}

// step continues a scan, or removes some more files. It returns whether there is more to do.
func (k *evictor) step(dir *directory) (more bool) {
	if k.scan == nil && k.scanLock == nil && !k.over() {
		return false
	}
	if k.scan != nil && !k.goOn(dir) {
		k.endScanLock()
		return k.scanLock != nil
	}
	k.evict(dir, evictPerStep)
	k.endScanLock()
	if k.over() && len(k.have.oldest) == 0 && k.removed > 0 && k.scanIsDue(dir) { // one scan does not know them all
		k.newScan(dir)
		return true
	}
	return k.over() && len(k.have.oldest) > 0
}

// stop ends a scan that there is no time to complete. If the files that it has seen are over the limits, the oldest of
// them are removed: all files together are over the limits by more. The scan is paid for, so the next process waits.
func (k *evictor) stop(dir *directory) {
	if k.scan != nil {
		k.scan.close()
		k.took += k.scan.took
		k.have, k.known, k.scan = k.scan.result(), true, nil
		k.evict(dir, evictAtOnce)
	}
	k.have, k.known = inventory{}, false
	k.endScanLock()
}

// endScanLock releases the lock when all is done.
func (k *evictor) endScanLock() {
	if k.scanLock == nil || k.scan != nil || k.over() && len(k.have.oldest) > 0 {
		return
	}
	k.budget.spend(time.Now(), k.pause())
	k.scanLock.end(k.budget)
	k.scanLock = nil
	if k.changed {
		k.forget()
	}
}

// pause is the time after a scan in which no process scans.
func (k *evictor) pause() time.Duration {
	usual := usualShare * k.took
	switch {
	case int64(k.evictedNow) > k.have.files/100:
		return urgentShare * k.took
	case k.hasRoom():
		return max(usual, min(roomyShare*k.took, time.Second))
	}
	return usual
}

func (k *evictor) hasRoom() bool {
	return (k.maxFiles == 0 || k.maxFiles-k.have.files > roomFiles) &&
		(k.maxBytes == 0 || k.maxBytes-k.have.bytes > roomBytes)
}

// forget discards the counts after another process has changed the directory.
func (k *evictor) forget() {
	if k.isLimited() {
		k.have, k.known = inventory{}, false
	}
}

// evict removes at most most profiles.
func (k *evictor) evict(dir *directory, most int) {
	for ; most > 0 && k.over() && len(k.have.oldest) > 0; most-- {
		k.evictOldest(dir)
	}
	if status, ok := dir.Status(); ok {
		k.mtime = status.Mtim
	}
}

func (k *evictor) over() bool {
	return k.known && (k.maxFiles > 0 && k.have.files > k.maxFiles || k.maxBytes > 0 && k.have.bytes > k.maxBytes)
}

// evictOldest takes the profile out of the counts whether or not it can be removed. If it is missing, another process took
// it. If it cannot be removed, trying again does not help.
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
	k.newScan(dir)
	k.walk(dir, scanAhead)
}

func (k *evictor) newScan(dir *directory) {
	k.changed = false
	_ = k.readTags(dir)
	k.scan = newScan(dir, k.tags, k.newest, oldestOf(k.have.files))
}

// walk continues the scan until it has seen that many names and scanPatience has passed. It returns whether the scan is
// complete.
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

// goOn takes the scan one block further. At its end it takes over the result, and returns true.
func (k *evictor) goOn(dir *directory) bool {
	return !k.scan.walkBlock() && k.takeOver(dir)
}

// scanIsDue takes the scan lock if a scan is needed and allowed. The number of our own removals limits the scans that
// they cause (urgent); time limits all others. So files that cannot be removed do not cause a scan each time.
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
