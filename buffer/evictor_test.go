package buffer

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWrite_KeepsTheNewest(t *testing.T) {
	tests := []struct {
		name   string
		limits Options
		sizes  []int
		want   []int // sizes of the files that are left, oldest first
	}{
		{"no limit", Options{}, []int{11, 12, 13}, []int{11, 12, 13}},
		{"files: one below", Options{MaxFiles: 3}, []int{11, 12}, []int{11, 12}},
		{"files: at the limit", Options{MaxFiles: 3}, []int{11, 12, 13}, []int{11, 12, 13}},
		{"files: one over", Options{MaxFiles: 3}, []int{11, 12, 13, 14}, []int{12, 13, 14}},
		{"files: one allowed", Options{MaxFiles: 1}, []int{11, 12, 13}, []int{13}},
		{"bytes: one below", Options{MaxBytes: 37}, []int{11, 12, 13}, []int{11, 12, 13}},
		{"bytes: at the limit", Options{MaxBytes: 36}, []int{11, 12, 13}, []int{11, 12, 13}},
		{"bytes: one over", Options{MaxBytes: 35}, []int{11, 12, 13}, []int{12, 13}},
		{"bytes: many for one", Options{MaxBytes: 40}, []int{10, 11, 12, 40}, []int{40}},
		{"bytes before files", Options{MaxBytes: 30, MaxFiles: 3}, []int{11, 12, 13}, []int{12, 13}},
		{"files before bytes", Options{MaxBytes: 100, MaxFiles: 2}, []int{11, 12, 13}, []int{12, 13}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.limits.Dirs = []string{dir}
			s := newStore(t, tt.limits)
			for _, size := range tt.sizes {
				mustWrite(t, s, document(size))
			}
			if got := sizes(t, dir); !slices.Equal(got, tt.want) {
				t.Errorf("sizes %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWrite_KeepsExactlyTheNewestOfMany(t *testing.T) {
	const limit, writes = 10, 15
	dir := t.TempDir()
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: limit})
	for i := range writes {
		mustWrite(t, s, document(100+i))
		if got, want := len(sizes(t, dir)), min(i+1, limit); got != want {
			t.Fatalf("%d files after %d writes, want %d", got, i+1, want)
		}
	}
	got := sizes(t, dir)
	if slices.Sort(got); got[0] != 100+writes-limit || len(got) != limit {
		t.Errorf("sizes %v, want %d to %d", got, 100+writes-limit, 100+writes-1)
	}
}

func TestWrite_RefusesAProfileOverTheLimitAndEvictsNothing(t *testing.T) {
	const limit = 100
	for size, want := range map[int]error{limit - 1: nil, limit: nil, limit + 1: ErrFull} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			dir := t.TempDir()
			s := newStore(t, Options{Dirs: []string{dir}, MaxBytes: limit})
			mustWrite(t, s, document(10))
			err := s.Write(document(size))
			if want == nil && err != nil {
				t.Fatal(err)
			}
			if want == nil {
				return
			}
			wantError(t, err, want)
			if text := "buffer is full: a profile of 101 bytes is over the limit of 100"; err.Error() != text {
				t.Errorf("%q, want %q", err, text)
			}
			if got := sizes(t, dir); !slices.Equal(got, []int{10}) {
				t.Errorf("sizes %v, want what was there", got)
			}
		})
	}
}

func TestWrite_CountsWhatOthersDid(t *testing.T) {
	for _, others := range []int{1, 9, 10, 11, 400} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			dir := t.TempDir()
			s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 10})
			for range 5 {
				mustWrite(t, s, document(10))
			}
			hourAgo := time.Now().Add(-time.Hour)
			for i := range others { // older than ours, the last made is the oldest
				putProfile(t, dir, i, 20, hourAgo.Add(-time.Duration(i)*time.Second))
			}
			mustWrite(t, s, document(30))
			got, want := sizes(t, dir), append(slices.Repeat([]int{20}, min(others, 4)), 10, 10, 10, 10, 10, 30)
			if !slices.Equal(got, want) {
				t.Errorf("sizes %v, want %v", got, want)
			}
			for i := range min(others, 4) {
				if _, err := os.Stat(filepath.Join(dir, profileNumber(i))); err != nil {
					t.Errorf("the others' newest are not kept: %v", err)
				}
			}
		})
	}
}

func TestWrite_EvictsNothingForFilesThatAReaderTook(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 3})
	for size := 11; size <= 13; size++ {
		mustWrite(t, s, document(size))
	}
	taken := list(t, dir, "*")[0]
	if err := os.Remove(filepath.Join(dir, taken)); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, document(14))
	if got := len(sizes(t, dir)); got != 3 {
		t.Errorf("%d files, want 3", got)
	}
}

func TestWrite_EvictsOnlyProfiles(t *testing.T) {
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "target")
	old := time.Now().Add(-time.Hour)
	others := []string{"profile_20200101_000000_0000000.json", "profile_20200101_000000_00000000.json.gz", "notes"}
	for _, name := range others {
		putFile(t, filepath.Join(dir, name), 1000, old)
	}
	putFile(t, elsewhere, 1000, old)
	if err := os.Symlink(elsewhere, filepath.Join(dir, profileNumber(1))); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, profileNumber(2)), 0o700); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 1, MaxBytes: 10})
	for range 3 {
		mustWrite(t, s, document(10))
	}
	if got, want := len(list(t, dir, "*")), len(others)+3; got != want {
		t.Errorf("%d files, want %d: %v", got, want, list(t, dir, "*"))
	}
	if _, err := os.Stat(elsewhere); err != nil {
		t.Error(err)
	}
}

func TestWrite_InAStickyDirectoryCountsOnlyItsOwn(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Chmod(dir, 0o1777); err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(dir, profileNumber(1))
	putFile(t, theirs, 1000, time.Now().Add(-time.Hour))
	if err := os.Chown(theirs, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 2})
	for size := 11; size <= 14; size++ {
		mustWrite(t, s, document(size))
	}
	if got, want := sizes(t, dir), []int{1000, 13, 14}; !slices.Equal(got, want) {
		t.Errorf("sizes %v, want %v", got, want)
	}
}

func TestAllowance_IsAShareOfTheTime(t *testing.T) {
	start := time.Now()
	tests := []struct {
		name  string
		took  time.Duration
		after time.Duration
		want  bool
	}{
		{"nothing spent", 0, 0, true},
		{"within the advance", 19 * time.Millisecond, 0, true},
		{"the advance", 20 * time.Millisecond, 0, false},
		{"a long scan, too early", time.Second, 9800 * time.Millisecond, false},
		{"a long scan, later", time.Second, 9801 * time.Millisecond, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var a budget
			a.spend(start, 10*tt.took)
			if got := a.left(start.Add(tt.after)); got != tt.want {
				t.Errorf("left %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEvictor_PausesByRoom(t *testing.T) {
	const limit = 100_000
	tests := []struct {
		name    string
		files   int64
		bytes   int64
		evicted int
		took    time.Duration
		want    time.Duration
	}{
		{"much room", 500, 1 << 20, 0, time.Millisecond, 120 * time.Millisecond},
		{"much room, a slow disk", 500, 1 << 20, 0, 20 * time.Millisecond, time.Second},
		{"much room, a very slow disk", 500, 1 << 20, 0, time.Second, 12 * time.Second},
		{"few files left", limit - 10_000, 1 << 20, 0, time.Millisecond, 12 * time.Millisecond},
		{"few bytes left", 500, 1<<30 - 256<<20, 0, time.Millisecond, 12 * time.Millisecond},
		{"over the limits", limit, 1 << 20, limit/100 + 1, time.Millisecond, 2 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newEvictor(Options{MaxFiles: limit, MaxBytes: 1 << 30})
			k.have.files, k.have.bytes, k.evictedNow, k.took = tt.files, tt.bytes, tt.evicted, tt.took
			if got := k.pause(); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// The clock may be set back or forward while a process runs: then no process waits for longer than maxPause.
func TestBudget_AfterAChangeOfTheClock(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for ahead, want := range map[time.Duration]bool{
		-24 * time.Hour:            true,
		0:                          true,
		advance - 1:                true,
		advance:                    false,
		maxPause:                   false,
		maxPause + 1:               true,
		3 * time.Hour:              true,
		100 * 365 * 24 * time.Hour: true,
	} {
		a := budget{now.Add(ahead)}
		if got := a.left(now); got != want {
			t.Errorf("paid until %v ahead: left %v, want %v", ahead, got, want)
		}
		if a.spend(now, time.Second); a.paidUntil.Sub(now) > maxPause+time.Second {
			t.Errorf("paid until %v ahead: after a scan, until %v ahead", ahead, a.paidUntil.Sub(now))
		}
	}
}

// The lock's file and the store in memory both remember a time. The clock is set back: the limits hold all the same.
func TestBudget_ClockSetBackWhileTheProcessRuns(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 5})
	mustWrite(t, s, document(10))
	s.evictor.budget = budget{time.Now().Add(3 * time.Hour)} // as it was read from the file, without a monotonic part
	for i := range 20 {
		putProfile(t, dir, i, 1, time.Now().Add(-time.Hour))
	}
	mustWrite(t, s, document(10))
	if got := len(list(t, dir, "profile_*")); got != 5 {
		t.Errorf("%d files, want 5", got)
	}
}

// sizes of the regular files in dir, oldest first.
func sizes(t *testing.T, dir string) []int {
	t.Helper()
	var files []profile
	for _, name := range list(t, dir, "*") {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, profile{name: name, size: info.Size(), mtime: info.ModTime().UnixNano()})
	}
	// Writes within a tick of the clock have one mtime: these tests write
	// larger profiles later, and what they prepare is old.
	slices.SortFunc(files, func(a, b profile) int {
		if apart := a.mtime - b.mtime; apart > int64(time.Minute) || apart < -int64(time.Minute) {
			return int(apart / int64(time.Second))
		}
		return int(a.size - b.size)
	})
	var all []int
	for _, file := range files {
		all = append(all, int(file.size))
	}
	return all
}

func profileNumber(i int) string { return fmt.Sprintf("profile_20200101_000000_%08x.json", i) }

func putProfile(t testing.TB, dir string, i, size int, mtime time.Time) {
	t.Helper()
	putFile(t, filepath.Join(dir, profileNumber(i)), size, mtime)
}

func putFile(t testing.TB, path string, size int, mtime time.Time) {
	t.Helper()
	err := firstError(os.WriteFile(path, make([]byte, size), 0o600), os.Chtimes(path, mtime, mtime))
	if err != nil {
		t.Fatal(err)
	}
}
