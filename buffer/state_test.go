package buffer

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestTags has what each of two listeners may have in a directory of one user.
func TestTags(t *testing.T) {
	a, b := "/run/a", collision("/run/a")
	for _, test := range []struct {
		name  string
		files []string // who writes; "": a file without a tag
		who   string
		want  []string
	}{
		{"its own", []string{a}, a, []string{a}},
		{"another's", []string{a}, b, nil},
		{"both", []string{a, b, a}, b, []string{b}},
		{"nobody's, alone", []string{"", a}, a, []string{"", a}},
		{"nobody's, with nothing of its own", []string{""}, b, []string{""}},
		{"nobody's, not alone", []string{"", b}, a, nil},
		{"nobody's and both", []string{"", b, a}, a, []string{a}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, writer := range test.files {
				if writer == "" {
					putFile(t, filepath.Join(dir, "profile_20200101_000000_12345678.json"), 0, time.Now())
				} else {
					mustWrite(t, newStore(t, Options{Dirs: []string{dir}, Listener: writer}), []byte(writer))
				}
			}
			got := takeAll(t, newStore(t, Options{Dirs: []string{dir}, Listener: test.who}), 1000, gone)
			slices.Sort(got)
			if !slices.Equal(got, test.want) {
				t.Errorf("offered %q, want %q", got, test.want)
			}
			if left := len(list(t, dir, "profile_*")); left != len(test.files)-len(test.want) {
				t.Errorf("%d are left", left)
			}
		})
	}
}

// collision is another path of the same hash.
func collision(path string) string {
	for i := 0; ; i++ {
		if other := fmt.Sprint("/run/", i); hashOf(other) == hashOf(path) {
			return other
		}
	}
}

// A listener's profiles do not count within another's limits, and are not evicted for them.
func TestTags_LimitsAreEachListenersOwn(t *testing.T) {
	runtime.LockOSThread() // as the writer does: scans are charged by the CPU time of their thread
	defer runtime.UnlockOSThread()
	dir := t.TempDir()
	a := newStore(t, Options{Dirs: []string{dir}, Listener: "/a", MaxFiles: 3})
	b := newStore(t, Options{Dirs: []string{dir}, Listener: "/b", MaxFiles: 5})
	for range 20 {
		mustWrite(t, a, []byte("a"))
		mustWrite(t, b, []byte("bb"))
	}
	if got, want := sizes(t, dir), []int{1, 1, 1, 2, 2, 2, 2, 2}; !slices.Equal(sorted(got), want) {
		t.Errorf("sizes %v, want %v", got, want)
	}
}

// Where a listener can get no number, its limits take no other listener's profiles, and its profiles go to no other.
func TestTags_WithoutANumber(t *testing.T) {
	runtime.LockOSThread() // as the writer does
	defer runtime.UnlockOSThread()
	number := func(n uint16) string { return fmt.Sprintf(listenerForm, hashOf("/a")+n) }
	for name, spoil := range map[string]func(state string) error{
		"a folder has its name": func(state string) error { return os.Mkdir(state+"/"+number(0), 0o700) },
		"all are taken": func(state string) (err error) {
			for n := range uint16(256) {
				err = firstError(err, os.WriteFile(state+"/"+number(n), []byte("/b"), 0o600))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			b := newStore(t, Options{Dirs: []string{dir}, Listener: "/b"})
			for range 10 {
				mustWrite(t, b, []byte("bb"))
			}
			if err := spoil(ownDirectory(dir)); err != nil {
				t.Fatal(err)
			}
			a := newStore(t, Options{Dirs: []string{dir}, Listener: "/a", MaxFiles: 3})
			for range 10 {
				mustWrite(t, a, []byte("a"))
			}
			if got := sizes(t, dir); !slices.Equal(sorted(got), []int{1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}) {
				t.Errorf("sizes %v", got)
			}
			if got := takeAll(t, b, 1000, gone); slices.Contains(got, "a") {
				t.Errorf("B was offered %q", got)
			}
		})
	}
}

func sorted(of []int) []int { slices.Sort(of); return of }

// The turns of two listeners do not wait for each other.
func TestTags_TurnsAreEachListenersOwn(t *testing.T) {
	dir := t.TempDir()
	a := newStore(t, Options{Dirs: []string{dir}, Listener: "/a"})
	b := newStore(t, Options{Dirs: []string{dir}, Listener: "/b"})
	turn, err := a.BeginReplay(1)
	if err != nil {
		t.Fatal(err)
	}
	defer turn.End()
	again := newStore(t, Options{Dirs: []string{dir}, Listener: "/a"})
	if _, err := again.BeginReplay(1); !errors.Is(err, ErrTaken) {
		t.Errorf("%v, want ErrTaken", err)
	}
	other, err := b.BeginReplay(1)
	if err != nil {
		t.Fatal(err)
	}
	other.End()
}

// What a dead process was handing over to a listener is moved back for that one.
func TestTags_ClaimsAreEachListenersOwn(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, newStore(t, Options{Dirs: []string{dir}, Listener: "/a"}), []byte("a"))
	name := list(t, dir, "profile_*")[0]
	if err := os.Rename(filepath.Join(dir, name), filepath.Join(ownDirectory(dir), name)); err != nil {
		t.Fatal(err)
	}
	if got := takeAll(t, newStore(t, Options{Dirs: []string{dir}, Listener: "/b"}), 9, gone); len(got) != 0 {
		t.Errorf("offered %q to another one", got)
	}
	if got := takeAll(t, newStore(t, Options{Dirs: []string{dir}, Listener: "/a"}), 9, gone); !slices.Equal(got, []string{"a"}) {
		t.Errorf("offered %q", got)
	}
}

// A power failure may leave the file of a listener's number empty or full of zeros: the number is free.
func TestTags_AfterAPowerFailure(t *testing.T) {
	for _, text := range []string{"", "\x00\x00\x00\x00"} {
		dir := t.TempDir()
		name := filepath.Join(ownDirectory(dir), fmt.Sprintf(listenerForm, hashOf("/a")))
		if err := firstError(os.Mkdir(ownDirectory(dir), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		mustWrite(t, newStore(t, Options{Dirs: []string{dir}, Listener: "/a"}), []byte("a"))
		if got, _ := os.ReadFile(name); string(got) != "/a" {
			t.Errorf("%q then %q", text, got)
		}
	}
}

// The user's own directory is removed while stores are open: they make it again.
func TestTags_StateRemoved(t *testing.T) {
	dir := t.TempDir()
	s := newStore(t, Options{Dirs: []string{dir}, Listener: "/a"})
	mustWrite(t, s, []byte("1"))
	if err := os.RemoveAll(ownDirectory(dir)); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, newStore(t, Options{Dirs: []string{dir}, Listener: collision("/a")}), []byte("other"))
	mustWrite(t, s, []byte("2"))
	if got := takeAll(t, s, 9, gone); slices.Contains(got, "other") || !slices.Contains(got, "2") {
		t.Errorf("offered %q", got)
	}
}

// Another user has taken the name of the user's own directory, in one that everybody
// may write to; and many names like it. All that is shared works, and is shared.
func TestState_Squatted(t *testing.T) {
	needRoot(t)
	secret := t.TempDir()
	squats := map[string]func(path string) error{
		"a file":      func(path string) error { return os.WriteFile(path, nil, 0o666) },
		"a link":      func(path string) error { return os.Symlink(secret, path) },
		"a link away": func(path string) error { return os.Symlink("/nowhere", path) },
		"a FIFO":      func(path string) error { return unix.Mkfifo(path, 0o666) },
		"a folder":    func(path string) error { return os.Mkdir(path, 0o777) },
	}
	for name, squat := range squats {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Chmod(dir, 0o1777); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{ownDirectory(dir), ownDirectory(dir) + "-0000000000000000", ownDirectory(dir) + "-zz"} {
				if err := firstError(squat(path), os.Lchown(path, nobody, nobody)); err != nil {
					t.Fatal(err)
				}
			}
			options := Options{Dirs: []string{dir}, Listener: "/a", MaxFiles: 3}
			first, second := newStore(t, options), newStore(t, options)
			for range 5 {
				mustWrite(t, first, []byte("a"))
				mustWrite(t, second, []byte("a"))
			}
			turn, err := first.BeginReplay(9)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := second.BeginReplay(9); !errors.Is(err, ErrTaken) {
				t.Errorf("%v, want ErrTaken", err)
			}
			turn.End()
			if got := takeAll(t, second, 9, gone); len(got) != 3 {
				t.Errorf("%d offered, want 3", len(got))
			}
		})
	}
}

// Only regular files of this user's with one link count, are evicted and are replayed.
func TestWrite_CountsOnlyOwnSingleFiles(t *testing.T) {
	needRoot(t)
	dir, elsewhere := t.TempDir(), filepath.Join(t.TempDir(), "mine")
	name := func(i int) string { return filepath.Join(dir, profileNumber(i)) }
	err := firstError(
		os.WriteFile(elsewhere, []byte("mine"), 0o600), os.Link(elsewhere, name(1)),
		os.WriteFile(name(2), nil, 0o644), os.Truncate(name(2), 1<<40), os.Chown(name(2), nobody, nobody),
		unix.Mkfifo(name(3), 0o600), os.Mkdir(name(4), 0o700), os.Symlink(elsewhere, name(5)),
		os.WriteFile(filepath.Join(dir, ".transmit-0000000000000009.tmp"), nil, 0o644),
		os.Chown(filepath.Join(dir, ".transmit-0000000000000009.tmp"), nobody, nobody),
		os.Chtimes(filepath.Join(dir, ".transmit-0000000000000009.tmp"), time.Unix(1, 0), time.Unix(1, 0)),
	)
	if err != nil {
		t.Fatal(err)
	}
	before := list(t, dir, "*")
	s := newStore(t, Options{Dirs: []string{dir}, Listener: "/a", MaxFiles: 2, MaxBytes: 100})
	for range 5 {
		mustWrite(t, s, document(10))
	}
	if got := len(list(t, dir, "*")); got != len(before)+2 {
		t.Errorf("%d files, want 2 more than %d", got, len(before))
	}
	if got := takeAll(t, s, math.MaxInt64, gone); len(got) != 2 {
		t.Errorf("offered %q", got)
	}
	if got := list(t, dir, "*"); !slices.Equal(got, before) {
		t.Errorf("left %q, want %q", got, before)
	}
}

func TestInventory_SumDoesNotOverflow(t *testing.T) {
	v := inventory{room: 10}
	for i := range 4 {
		v.found([]byte(profileNumber(i)), math.MaxInt64-10, int64(i))
	}
	v.add(profile{profileNumber(9), 100, 9})
	for range 5 {
		if v.bytes < 0 || v.files < 1 {
			t.Fatalf("%+v", v)
		}
		v.takeOldest()
	}
}
