package buffer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// takeAll takes a whole turn, and returns the contents that were offered. result decides.
func takeAll(t *testing.T, s *Store, largest int64, result func(text string) ReplayResult) (offered []string) {
	t.Helper()
	turn, err := s.BeginReplay(largest)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.End()
	for more := true; more; {
		more, err = turn.Next(func(o *ReplayFile) ReplayResult {
			text := make([]byte, o.Size)
			if err := o.Read(text); err != nil {
				t.Error(err)
			}
			offered = append(offered, string(text))
			return result(string(text))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return offered
}

func gone(string) ReplayResult { return Delivered }

// put makes a profile of that age in minutes.
func put(t *testing.T, dir, text string, age int) (name string) {
	t.Helper()
	at := time.Now().Add(-time.Duration(age) * time.Minute)
	name = profileName(at, rand.Uint32())
	path := filepath.Join(dir, name)
	if err := firstError(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestReplay_Verdicts has a row for each one.
func TestReplay_Verdicts(t *testing.T) {
	for _, test := range []struct {
		name    string
		result  ReplayResult
		offered string
		left    string // of b, the second of three
	}{
		{"gone", Delivered, "a b c", ""},
		{"bad", Malformed, "a b c", "bad_profile"},
		{"stays", Kept, "a b c", "profile"},
		{"not now", Stopped, "a b", "profile profile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for i, text := range []string{"a", "b", "c"} {
				put(t, dir, text, 60-i)
			}
			s := newStore(t, Options{Dirs: []string{dir}})
			offered := takeAll(t, s, 1000, func(text string) ReplayResult {
				if text == "b" {
					return test.result
				}
				return Delivered
			})
			if got := strings.Join(offered, " "); got != test.offered {
				t.Errorf("offered %s, want %s", got, test.offered)
			}
			var kinds []string
			for _, name := range list(t, dir, "*profile_*.json") {
				kind, _, _ := strings.Cut(name, "_2")
				kinds = append(kinds, kind)
			}
			if got := strings.Join(kinds, " "); got != test.left {
				t.Errorf("left %s, want %s", got, test.left)
			}
			if again := takeAll(t, s, 1000, gone); test.result == Stopped && !slices.Equal(again, []string{"b", "c"}) {
				t.Errorf("then offered %q", again)
			}
		})
	}
}

// Only regular files of this user's, of the right name and size, are read; nothing else is touched.
func TestReplay_ReadsOnlyOwnFiles(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	name := func(i int) string { return filepath.Join(dir, fmt.Sprintf("profile_20250101_000000_%08x.json", i)) }
	secret := filepath.Join(elsewhere, "secret")
	err := firstError(
		os.WriteFile(secret, []byte("secret"), 0o600),
		os.Symlink(secret, name(1)),
		unix.Mkfifo(name(2), 0o600),
		os.Mkdir(name(3), 0o700),
		unix.Mknod(name(4), unix.S_IFSOCK|0o600, 0),
		os.WriteFile(filepath.Join(dir, "profile_1.json"), []byte("no name of ours"), 0o600),
		os.WriteFile(filepath.Join(dir, ".transmit-0123456789abcdef.tmp"), []byte("being written"), 0o600),
		os.WriteFile(filepath.Join(dir, "bad_profile_20250101_000000_00000000.json"), []byte("set aside"), 0o600),
		os.WriteFile(name(5), []byte("too large"), 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		err = firstError(os.WriteFile(name(6), []byte("foreign"), 0o644), os.Chown(name(6), 12345, 12345))
	}
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "mine", 1)
	before := list(t, dir, "*")
	s := newStore(t, Options{Dirs: []string{dir}})
	if got := takeAll(t, s, 8, gone); !slices.Equal(got, []string{"mine"}) {
		t.Errorf("offered %q", got)
	}
	after := list(t, dir, "*")
	if len(after) != len(before)-1 {
		t.Errorf("%q\nbefore %q", after, before)
	}
	if _, err := os.Stat(secret); err != nil {
		t.Error(err)
	}
}

// A file that is swapped between the look and the offer is not read.
func TestReplay_SwappedFile(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		make func(path string) error
		root bool
	}{
		{"a link", func(path string) error { return os.Symlink(secret, path) }, false},
		{"a FIFO", func(path string) error { return unix.Mkfifo(path, 0o600) }, false},
		{"a directory", func(path string) error { return os.Mkdir(path, 0o700) }, false},
		{"a larger file", func(path string) error { return os.WriteFile(path, make([]byte, 1001), 0o600) }, false},
		{"another user's", func(path string) error {
			return firstError(os.WriteFile(path, []byte("foreign"), 0o600), os.Chown(path, 12345, 12345))
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.root {
				needRoot(t)
			}
			dir := t.TempDir()
			put(t, dir, "first", 3)
			second := put(t, dir, "second", 2)
			put(t, dir, "third", 1)
			s := newStore(t, Options{Dirs: []string{dir}})
			swap := func(text string) ReplayResult {
				path := filepath.Join(dir, second)
				if text == "first" {
					if err := firstError(os.Remove(path), test.make(path)); err != nil {
						t.Error(err)
					}
				}
				return Delivered
			}
			if got := takeAll(t, s, 1000, swap); !slices.Equal(got, []string{"first", "third"}) {
				t.Errorf("offered %.100q", got)
			}
			if got := list(t, dir, "profile_*"); !slices.Equal(got, []string{second}) {
				t.Errorf("left %q", got)
			}
		})
	}
}

// One process of all; the lock goes with its holder's death.
func TestReplay_OneAtATime(t *testing.T) {
	dir := t.TempDir()
	name := put(t, dir, "a", 1)
	cmd, output := inRole(t, "hold-turn", dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	claim := filepath.Join(ownDirectory(dir), name)
	awaitPath(t, claim)
	s := newStore(t, Options{Dirs: []string{dir}})
	if _, err := s.BeginReplay(1000); !errors.Is(err, ErrTaken) {
		t.Errorf("%v, want ErrTaken", err)
	}
	mustWrite(t, s, []byte("b")) // does not take the claim away from it
	if _, err := os.Stat(claim); err != nil {
		t.Error(err)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if got := takeAll(t, s, 1000, gone); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("offered %q, want a, b; %s", got, output)
	}
}

// ownDirectory is where this user's processes keep what they share in dir.
func ownDirectory(dir string) string {
	return filepath.Join(dir, fmt.Sprintf(stateForm, os.Geteuid()))
}

// holdTurnRole: directory. It is offered a profile and never decides.
func holdTurnRole(args []string) error {
	turn, err := New(Options{Dirs: args[:1]}).BeginReplay(1000)
	for err == nil {
		_, err = turn.Next(func(*ReplayFile) ReplayResult { select {} })
	}
	return err
}

func awaitPath(t *testing.T, path string) {
	t.Helper()
	for range 2000 {
		if _, err := os.Lstat(path); err == nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%s does not come", path)
}

// What a dead process was handing over comes back with the next write, too, and is as old as it was.
func TestReplay_RecoveredByAWriter(t *testing.T) {
	for _, form := range []string{ownDirectory("") + "/%s", fmt.Sprintf(oldClaimForm, os.Geteuid()) + "%.0s"} {
		t.Run(form, func(t *testing.T) {
			dir := t.TempDir()
			name := put(t, dir, "a", 90)
			claim := filepath.Join(dir, fmt.Sprintf(form, name))
			if err := firstError(os.Mkdir(ownDirectory(dir), 0o700), os.Rename(filepath.Join(dir, name), claim)); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, newStore(t, Options{Dirs: []string{dir}}), []byte("b"))
			names := list(t, dir, "profile_*")
			if len(names) != 2 || names[0][:23] != name[:23] {
				t.Errorf("%q, want one like %s", names, name)
			}
			if _, err := os.Lstat(claim); err == nil {
				t.Error("the claim is still there")
			}
		})
	}
}

// The host closes all descriptors, or another process removes the lock's file: the replay ends, and closes nothing else.
func TestReplay_Lost(t *testing.T) {
	for _, test := range []struct {
		name string
		lose func(dir string, turn *Replay)
	}{
		{"descriptors closed", func(_ string, turn *Replay) {
			unix.Close(turn.lock.file.FD)
		}},
		{"its number is another file's", func(_ string, turn *Replay) {
			if null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
				unix.Dup3(null, turn.lock.file.FD, unix.O_CLOEXEC)
				unix.Close(null)
			}
		}},
		{"file removed", func(_ string, turn *Replay) { turn.dir.remove(turn.lock.name) }},
		{"all removed", func(dir string, _ *Replay) { os.RemoveAll(ownDirectory(dir)) }},
		{"store closed", func(_ string, turn *Replay) { turn.abandon() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "a", 1)
			s := newStore(t, Options{Dirs: []string{dir}})
			turn, err := s.BeginReplay(1000)
			if err != nil {
				t.Fatal(err)
			}
			fd := turn.lock.file.FD
			test.lose(dir, turn)
			for range 3 {
				if more, err := turn.Next(func(*ReplayFile) ReplayResult { return Delivered }); more || !errors.Is(err, errReplayOver) {
					t.Errorf("%v, %v", more, err)
				}
			}
			turn.End()
			defer unix.Close(fd)
			if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); test.name == "its number is another file's" && err != nil {
				t.Error("another's descriptor was closed")
			}
			if got := list(t, dir, "profile_*"); len(got) != 1 {
				t.Errorf("left %q", got)
			}
		})
	}
}

// A large directory: in the order of age, in short steps, by few scans.
func TestReplay_LargeDirectory(t *testing.T) {
	const files = 3*replayRoom + 100
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range files {
		putProfile(t, dir, i*7919%files, 1, old.Add(time.Duration(i)*time.Millisecond))
	}
	s := newStore(t, Options{Dirs: []string{dir}})
	turn, err := s.BeginReplay(1000)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.End()
	var last time.Time
	var worst time.Duration
	offered, scans, wasScanning := 0, 0, false
	for more := true; more; {
		began := time.Now()
		more, err = turn.Next(func(o *ReplayFile) ReplayResult {
			var status unix.Stat_t
			if err := unix.Fstat(o.file.FD, &status); err != nil {
				t.Error(err)
			}
			if at := time.Unix(status.Mtim.Unix()); at.Before(last) {
				t.Errorf("profile %d is older than the one before", offered)
			} else {
				last = at
			}
			offered++
			return Delivered
		})
		if err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(began))
		if turn.scan != nil && !wasScanning {
			scans++
		}
		wasScanning = turn.scan != nil
	}
	t.Logf("%d offered, %d scans, longest step %v", offered, scans, worst)
	if offered != files || scans > 5 {
		t.Errorf("%d of %d offered in %d scans", offered, files, scans)
	}
}

// Files that stay are offered once in a turn, however many there are, and do not hide others.
func TestReplay_EndsWhereAllStay(t *testing.T) {
	dir := t.TempDir()
	old := time.Now().Add(-time.Hour)
	for i := range replayRoom + 50 {
		putProfile(t, dir, i, 10, old.Add(time.Duration(i)*time.Millisecond))
	}
	s := newStore(t, Options{Dirs: []string{dir}})
	if got := takeAll(t, s, 1000, func(string) ReplayResult { return Kept }); len(got) != replayRoom {
		t.Errorf("%d offered", len(got))
	}
	put(t, dir, "small", 0)
	if got := takeAll(t, s, 9, gone); !slices.Equal(got, []string{"small"}) {
		t.Errorf("%d offered", len(got))
	}
}

// Two that replay, killed at any moment, and a reader that renames first: each
// profile is taken, and twice only for a kill.
func TestReplay_KilledAtAnyMoment(t *testing.T) {
	const files, kills = 3000, 40
	dir, out := t.TempDir(), t.TempDir()
	for i := range files {
		put(t, dir, fmt.Sprintf("p%d", i), i%100)
	}
	taken := map[string]int{}
	random := 1
	killed := 0
	for len(list(t, dir, "profile_*")) > 0 || killed < kills {
		if killed >= 500 {
			t.Fatal("too slow")
		}
		first, _ := inRole(t, "take-turn", dir, out)
		second, _ := inRole(t, "take-turn", dir, out)
		if err := firstError(first.Start(), second.Start()); err != nil {
			t.Fatal(err)
		}
		random = random * 1103515245 % 12345678
		time.Sleep(10*time.Millisecond + time.Duration(random%20000)*time.Microsecond)
		readByRenaming(t, dir, taken)
		first.Process.Signal(syscall.SIGKILL)
		second.Process.Signal(syscall.SIGKILL)
		first.Wait()
		second.Wait()
		killed += 2
	}
	readByRenaming(t, dir, taken)
	takeAll(t, newStore(t, Options{Dirs: []string{dir}}), 1000, func(text string) ReplayResult { taken[text]++; return Delivered })
	for _, name := range list(t, out, "*") {
		text, _, _ := strings.Cut(name, "-")
		taken[text]++
	}
	twice := 0
	for i := range files {
		n := taken[fmt.Sprintf("p%d", i)]
		if n == 0 {
			t.Errorf("p%d is lost", i)
		}
		twice += max(0, n-1)
	}
	t.Logf("%d files, %d kills, %d twice", files, killed, twice)
	if twice > killed {
		t.Errorf("%d are there twice, after %d kills", twice, killed)
	}
}

// takeTurnRole: directory, and where a file is made for each profile that is taken.
func takeTurnRole(args []string) error {
	s := New(Options{Dirs: args[:1]})
	for {
		turn, err := s.BeginReplay(1000)
		if errors.Is(err, ErrTaken) {
			time.Sleep(time.Millisecond)
			continue
		}
		for more := true; more && err == nil; {
			more, err = turn.Next(func(o *ReplayFile) ReplayResult {
				text := make([]byte, o.Size)
				if o.Read(text) != nil {
					return Kept
				}
				file, err := os.CreateTemp(args[1], string(text)+"-*")
				if err != nil {
					return Stopped
				}
				file.Close()
				return Delivered
			})
		}
		if err != nil {
			return err
		}
		turn.End()
	}
}

// readByRenaming takes a few of the files as README wants it.
func readByRenaming(t *testing.T, dir string, taken map[string]int) {
	t.Helper()
	names := list(t, dir, "profile_*")
	for _, name := range names[:min(len(names), 20)] {
		own := filepath.Join(dir, "reader-"+name)
		if os.Rename(filepath.Join(dir, name), own) != nil {
			continue // somebody else has it
		}
		text, err := os.ReadFile(own)
		if err != nil {
			t.Fatal(err)
		}
		taken[string(text)]++
		os.Remove(own)
	}
}

// What was set aside counts, and goes when it is the oldest.
func TestWrite_EvictsWhatWasSetAside(t *testing.T) {
	dir := t.TempDir()
	for age := range 3 {
		name := put(t, dir, "x", 10+age)
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, badPrefix+name)); err != nil {
			t.Fatal(err)
		}
	}
	s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 3})
	mustWrite(t, s, []byte("a"))
	mustWrite(t, s, []byte("b"))
	if bad := list(t, dir, "bad_*"); len(bad) != 1 {
		t.Errorf("%q", bad)
	}
}
