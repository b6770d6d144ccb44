package buffer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
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
