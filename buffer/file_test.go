package buffer

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWrite_MakesOneFile(t *testing.T) {
	tests := []struct {
		name string
		text []byte
	}{
		{"empty", nil},
		{"one byte", []byte("a")},
		{"a small profile", []byte("{}")},
		{"32 MiB and a few bytes", append(document(32<<20), "end"...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			mustWrite(t, newStore(t, Options{Dirs: []string{dir}}), tt.text)
			names := list(t, dir, "*")
			if len(names) != 1 {
				t.Fatalf("%d files, want 1: %v", len(names), names)
			}
			got, err := os.ReadFile(filepath.Join(dir, names[0]))
			if err != nil || !bytes.Equal(got, tt.text) {
				t.Errorf("%d bytes, want %d (%v)", len(got), len(tt.text), err)
			}
		})
	}
}

func TestWrite_NamesTheFileByTheTimeInUTC(t *testing.T) {
	dir := t.TempDir()
	before := time.Now().UTC().Truncate(time.Second)
	mustWrite(t, newStore(t, Options{Dirs: []string{dir}}), []byte("{}"))
	after := time.Now().UTC()

	name := list(t, dir, "*")[0]
	parts := regexp.MustCompile(`^profile_(\d{8}_\d{6})_[0-9a-f]{8}\.json$`).FindStringSubmatch(name)
	if parts == nil {
		t.Fatalf("name %q", name)
	}
	made, err := time.Parse("20060102_150405", parts[1])
	if err != nil || made.Before(before) || made.After(after) {
		t.Errorf("named %v, want between %v and %v (%v)", made, before, after, err)
	}
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600 (%v)", info.Mode(), err)
	}
}

// ways are how a temporary file gets its name, by what the file system offers.
var ways = map[string]func(d *directory, temp, name string) error{
	"renameat2": (*directory).move,
	"link":      (*directory).moveByLink,
	"rename":    (*directory).moveIfFree,
}

// taken is what may wait under a name.
var taken = map[string]func(path string) error{
	"file":          func(path string) error { return os.WriteFile(path, []byte("theirs"), 0o600) },
	"directory":     func(path string) error { return os.Mkdir(path, 0o700) },
	"dangling link": func(path string) error { return os.Symlink("nowhere", path) },
	"link to a file": func(path string) error {
		return firstError(os.WriteFile(path+"-target", []byte("theirs"), 0o600), os.Symlink(path+"-target", path))
	},
	"FIFO": func(path string) error { return unix.Mkfifo(path, 0o600) },
}

func TestCreateFile_NeverOpensWhatHasTheName(t *testing.T) {
	for what, make := range taken {
		t.Run(what, func(t *testing.T) {
			d, _ := tempFile(t)
			path := filepath.Join(d.path, "name")
			if err := make(path); err != nil {
				t.Fatal(err)
			}
			_, err := d.createFile("name")
			wantError(t, err, unix.EEXIST)
			if target, err := os.ReadFile(path + "-target"); err == nil && string(target) != "theirs" {
				t.Errorf("the link's target is now %q", target)
			}
			if _, err := os.Stat(filepath.Join(d.path, "nowhere")); !os.IsNotExist(err) {
				t.Errorf("the dangling link was followed: %v", err)
			}
		})
	}
}

func TestMove_NeverReplacesWhatHasTheName(t *testing.T) {
	for way, move := range ways {
		for what, make := range taken {
			t.Run(way+" onto a "+what, func(t *testing.T) {
				d, temp := tempFile(t)
				path := filepath.Join(d.path, "name")
				if err := make(path); err != nil {
					t.Fatal(err)
				}
				before, _ := os.Lstat(path)
				wantError(t, move(d, temp, "name"), unix.EEXIST)
				if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
					t.Errorf("replaced (%v)", err)
				}
			})
		}
	}
}

func TestMove_LeavesTheNameAlone(t *testing.T) {
	for way, move := range ways {
		t.Run(way, func(t *testing.T) {
			d, temp := tempFile(t)
			if err := move(d, temp, "name"); err != nil {
				t.Fatal(err)
			}
			if names := list(t, d.path, "*"); !slices.Equal(names, []string{"name"}) {
				t.Errorf("files %v", names)
			}
			checkWhole(t, filepath.Join(d.path, "name"))
		})
	}
}

func TestPublish_TakesAnotherNameWhenOneIsTaken(t *testing.T) {
	d, temp := tempFile(t)
	if err := os.WriteFile(filepath.Join(d.path, "taken"), []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"taken", "taken", "free"}
	next := func() (name string) { name, names = names[0], names[1:]; return name }
	if name, err := d.publish(temp, next); name != "free" || err != nil {
		t.Errorf("published as %q, %v", name, err)
	}
	d, temp = tempFile(t)
	_, err := d.publish(temp, func() string { return "." })
	wantError(t, err, unix.EEXIST)
}

// One listener has 65,536 names in a second: where they are all taken, the profile gets one of a later second.
func TestNewNames_WhereSecondsAreFull(t *testing.T) {
	now := time.Now()
	prefix := func(seconds int) string {
		return strings.TrimSuffix(profileName(now.Add(time.Duration(seconds)*time.Second), 0), "0000.json")
	}
	for _, full := range []int{0, 1, 15} {
		name, err := firstFree(new(tags).newNames(now), func(name string) error {
			for second := range full {
				if strings.HasPrefix(name, prefix(second)) {
					return unix.EEXIST
				}
			}
			return nil
		})
		if err != nil || !strings.HasPrefix(name, prefix(full)) {
			t.Errorf("%d seconds are full: %q, %v", full, name, err)
		}
	}
}

// tempFile is a temporary file in a directory of its own.
func tempFile(t *testing.T) (*directory, string) {
	t.Helper()
	d, err := choose([]string{t.TempDir()}, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	temp, err := d.create(document(100))
	if err != nil {
		t.Fatal(err)
	}
	return d, temp
}

func TestOpenat_LeavesTheStandardDescriptorsFree(t *testing.T) {
	saved, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(saved)
	defer unix.Dup2(saved, 0)
	unix.Close(0)
	fd, err := openat(unix.AT_FDCWD, ".", unix.O_RDONLY, 0)
	if err != nil || fd < 3 {
		t.Fatalf("descriptor %d, %v", fd, err)
	}
	defer unix.Close(fd)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags != unix.FD_CLOEXEC {
		t.Errorf("flags %d, %v: want close-on-exec", flags, err)
	}
	var status unix.Stat_t
	wantError(t, unix.Fstat(0, &status), unix.EBADF)
}

func TestHasForm(t *testing.T) {
	tests := []struct {
		name    string
		profile bool
		temp    bool
	}{
		{profileName(time.Now(), 0xffffffff), true, false},
		{newTempName(), false, true},
		{"profile_20260101_235959_0123abcf.json", true, false},
		{"profile_20260101_235959_0123abcF.json", false, false},
		{"profile_20260101_235959_0123abcg.json", false, false},
		{"profile_2026010a_235959_0123abcf.json", false, false},
		{"profile_20260101_235959_0123abc.json", false, false},
		{"profile_20260101_235959_0123abcf0.json", false, false},
		{"profile_20260101_235959_0123abcf.json~", false, false},
		{"Profile_20260101_235959_0123abcf.json", false, false},
		{".transmit-0123456789abcdef.tmp", false, true},
		{".transmit-0123456789abcdeg.tmp", false, false},
		{"", false, false},
	}
	for _, tt := range tests {
		if hasForm([]byte(tt.name), profileForm) != tt.profile || hasForm([]byte(tt.name), tempForm) != tt.temp {
			t.Errorf("%q: want profile %v, temporary %v", tt.name, tt.profile, tt.temp)
		}
	}
}
