package buffer

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWrite_RemovesOnlyOldDebris(t *testing.T) {
	dir := t.TempDir()
	ages := map[string]struct {
		age  time.Duration
		kept bool
	}{
		".transmit-0000000000000001.tmp": {59 * time.Second, true},
		".transmit-0000000000000002.tmp": {62 * time.Second, false},
		".transmit-0000000000000003.tmp": {24 * time.Hour, false},
		".transmit-000000000000000.tmp":  {24 * time.Hour, true},
		".transmit-aZ09bQ":               {62 * time.Second, false},
		".transmit-aZ0-bQ":               {24 * time.Hour, true},
		"other.tmp":                      {24 * time.Hour, true},
	}
	for name, file := range ages {
		putFile(t, filepath.Join(dir, name), 10, time.Now().Add(-file.age))
	}
	mustWrite(t, newStore(t, Options{Dirs: []string{dir}}), document(10))
	for name, file := range ages {
		if _, err := os.Lstat(filepath.Join(dir, name)); (err == nil) != file.kept {
			t.Errorf("%s, %v old: want kept %v (%v)", name, file.age, file.kept, err)
		}
	}
}

// A directory that takes longer to scan than a write may wait is within its
// limits a little later, and stays there: what the writer does meanwhile is
// counted, and it never evicts what it has just written.
func TestWrite_BoundsALargeDirectorySoon(t *testing.T) {
	const files, limit, more = 20_000, 19_900, 5000
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range files {
		putProfile(t, dir, i, 1, old.Add(time.Duration(i)*time.Millisecond))
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: limit})
	writes := 0
	write := func() { mustWrite(t, s, document(10)); writes++ }
	deadline := time.Now().Add(20 * time.Second)
	for write(); !s.evictor.known || s.evictor.over(); write() {
		if time.Now().After(deadline) {
			t.Fatalf("over the limit after %d writes", writes)
		}
	}
	t.Logf("within the limit after %d writes", writes)
	worst := 0
	for range more {
		write()
		worst = max(worst, int(s.evictor.have.files)-limit)
	}
	for write(); s.evictor.over(); write() {
	}
	if got := len(list(t, dir, "profile_*")); got != limit {
		t.Errorf("%d files after %d writes, want %d", got, writes, limit)
	}
	if got := len(list(t, dir, "profile_20200101*")); got != limit-writes {
		t.Errorf("%d old files, want %d: a new one was evicted", got, limit-writes)
	}
	t.Logf("at most %d over the limit in between", worst)
}

// A writer that finds far too much waits a little for each scan, or it would
// write faster than it learns what to evict.
func TestWrite_SlowsDownWhileItIsFarOverTheLimit(t *testing.T) {
	const files, limit = 20_000, 1000
	dir := t.TempDir()
	for i := range files {
		putProfile(t, dir, i, 1, time.Now().Add(-time.Hour))
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: limit})
	for mustWrite(t, s, document(10)); !s.evictor.known; mustWrite(t, s, document(10)) {
	}
	writes := 0
	for ; s.evictor.over() && writes < files; writes++ {
		mustWrite(t, s, document(10))
	}
	t.Logf("%d writes until the directory was within its limit", writes)
	if writes > files/8 {
		t.Errorf("%d writes until the directory was within its limit, want fewer than %d", writes, files/8)
	}
	if got := len(list(t, dir, "profile_*")); got != limit {
		t.Errorf("%d files, want %d", got, limit)
	}
}

// The time of a scan bounds how often there is one. It is the CPU time of all its blocks, although each takes less than a
// tick of the clock.
func TestScan_TimeOfItsBlocks(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	path := t.TempDir()
	for i := range 5_000 {
		putProfile(t, path, i, 1, time.Now())
	}
	dir, err := openUsable(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	s := newScan(dir, &tags{}, profile{}, 10)
	defer s.close()
	var used time.Duration
	for more := true; more; {
		began := threadClock()
		more = s.walkBlock()
		used += threadClock() - began
		time.Sleep(time.Millisecond)
	}
	if s.err != nil || s.seen < 5_000 || s.took < used/2 {
		t.Errorf("%d names in %v, by the clock %v: %v", s.seen, s.took, used, s.err)
	}
}

func threadClock() time.Duration {
	var used unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used)
	return time.Duration(used.Nano())
}

// A process ends before its scan does: it removes what is over the limits by what the scan has seen, and no other file. The
// next process does not scan at once.
func TestStopScan_RemovesWhatItHasSeen(t *testing.T) {
	for _, test := range []struct {
		name    string
		limits  Options
		removes bool
	}{
		{"what it has seen is over the files", Options{MaxFiles: 100}, true},
		{"what it has seen is over the bytes", Options{MaxBytes: 1000}, true},
		{"what it has seen is within the limits", Options{MaxFiles: 10_000}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			const files, size, newest = 10_000, 10, 50
			dir, now := t.TempDir(), time.Now()
			for i := range files {
				putProfile(t, dir, i, size, now.Add(-time.Hour-time.Duration(i)*time.Second)) // the first is the newest
			}
			test.limits.Dirs = []string{dir}
			s := newStore(t, test.limits)
			mustWrite(t, s, document(size))
			if !s.Owes() {
				t.Skip("the machine has scanned all files within 5 ms")
			}
			s.evictor.took = 2 * time.Second // on a slow disk
			s.StopScan()
			left := len(list(t, dir, "profile_*"))
			if removed := files + 1 - left; (removed > 0) != test.removes || s.Owes() || s.Step() {
				t.Errorf("%d removed, want some: %v; it owes %v", removed, test.removes, s.Owes())
			}
			for i := range newest {
				if _, err := os.Lstat(filepath.Join(dir, profileNumber(i))); err != nil {
					t.Fatalf("one of the newest is gone: %v", err)
				}
			}
			next := newStore(t, test.limits)
			mustWrite(t, next, document(size))
			if next.Owes() || len(list(t, dir, "profile_*")) != left+1 {
				t.Error("the next process scans at once")
			}
		})
	}
}

// A process that writes no more brings the directory within its limits, with as many scans as that takes.
func TestStep_RemovesMoreThanOneScanKnows(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 * minOldest {
		putProfile(t, dir, i, 1, time.Now().Add(-time.Hour))
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 1})
	mustWrite(t, s, document(10))
	for s.Step() {
	}
	if got := len(list(t, dir, "profile_*")); got != 1 || s.Owes() {
		t.Errorf("%d files, want 1; it owes %v", got, s.Owes())
	}
}

// More evictions than an inventory has names take another scan.
func TestWrite_EvictsMoreThanOneScanKnows(t *testing.T) {
	for _, files := range []int{minOldest - 1, minOldest, minOldest + 1, 3 * minOldest} {
		t.Run(fmt.Sprint(files), func(t *testing.T) {
			dir := t.TempDir()
			for i := range files {
				putProfile(t, dir, i, 1, time.Now().Add(-time.Hour))
			}
			s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 1})
			for deadline := time.Now().Add(10 * time.Second); ; {
				mustWrite(t, s, document(10))
				if got := len(list(t, dir, "profile_*")); got == 1 {
					break
				} else if time.Now().After(deadline) {
					t.Fatalf("still %d files", got)
				}
			}
		})
	}
}
