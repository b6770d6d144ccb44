package buffer

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

const nobody = 65534

func TestSystemDirs(t *testing.T) {
	tests := []struct {
		name string
		want []string
	}{
		{"/scratch", []string{"/var/lib/bitville-apm/buffer", "/tmp/bitville-apm-buffer", "/scratch/bitville-apm-buffer", "/scratch"}},
		{"/tmp", []string{"/var/lib/bitville-apm/buffer", "/tmp/bitville-apm-buffer", "/tmp"}},
	}
	for _, tt := range tests {
		if got := SystemDirs(tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func makeMode(mode uint32) func(*testing.T, string) error {
	return func(_ *testing.T, path string) error {
		if err := unix.Mkdir(path, 0o700); err != nil {
			return err
		}
		return unix.Chmod(path, mode)
	}
}

func linkTo(target string) func(*testing.T, string) error {
	return func(_ *testing.T, path string) error { return os.Symlink(target, path) }
}

func TestChoose_TakesOnlyADirectoryOfOurs(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, path string) error
		suffix  string // of the candidate, after the prepared path
		want    error
	}{
		{"missing", nil, "", nil},
		{"missing, and its parents", nil, "/a/b", nil},
		{"ours", makeMode(0o755), "", nil},
		{"ours, slash at the end", makeMode(0o755), "/", nil},
		{"ours, group-writable", makeMode(0o775), "", errGroup},
		{"ours, group-writable, setgid", makeMode(0o2775), "", errGroup},
		{"ours, group-writable, sticky", makeMode(0o1770), "", nil},
		{"everybody's", makeMode(0o777), "", errOpen},
		{"everybody's, sticky", makeMode(0o1777), "", nil},
		{"a file", func(_ *testing.T, p string) error { return os.WriteFile(p, nil, 0o600) }, "", unix.ENOTDIR},
		{"below a file", func(_ *testing.T, p string) error { return os.WriteFile(p, nil, 0o600) }, "/a", unix.ENOTDIR},
		{"a link to a directory", linkTo("."), "", unix.ENOTDIR},
		{"a link, slash at the end", linkTo("."), "/", unix.ENOTDIR},
		{"a link, slash and dot at the end", linkTo("."), "/.", unix.ENOTDIR},
		{"a dangling link", linkTo("nowhere"), "", unix.ENOTDIR},
		{"another user's", func(t *testing.T, path string) error {
			needRoot(t)
			return firstError(unix.Mkdir(path, 0o755), unix.Chown(path, nobody, nobody))
		}, "", errForeign},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "candidate")
			if tt.prepare != nil {
				if err := tt.prepare(t, path); err != nil {
					t.Fatal(err)
				}
			}
			dir, err := choose([]string{path + tt.suffix}, false)
			if tt.want != nil {
				wantError(t, err, ErrNoDirectory, tt.want)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			dir.Close()
		})
	}
}

// With NoLinks, no link is followed, whatever its place and its owner.
func TestChoose_NoLinks(t *testing.T) {
	top := t.TempDir()
	err := firstError(os.MkdirAll(top+"/a/b/c", 0o755), os.Symlink("a/b", top+"/relative"), os.Symlink(top+"/a", top+"/absolute"),
		os.Symlink("relative", top+"/twice"), os.Symlink("..", top+"/a/up"), os.Symlink("/", top+"/root"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		"/a/b/c": nil, "/a/b/c/": nil, "/a//b/./c": nil, "/a/b/../b/c": nil, "/a/new/deep": nil,
		"/relative/c": errLink, "/absolute/b": errLink, "/twice/c": errLink, "/a/up/a/b": errLink, "/root/tmp": errLink,
		"/a/b/c/../../up/a/b": errLink, "/absolute/new": errLink, "/relative": unix.ENOTDIR,
	} {
		dir, err := choose([]string{top + path}, true)
		switch {
		case want != nil:
			wantError(t, err, ErrNoDirectory, want)
		case err != nil:
			t.Errorf("%s: %v", path, err)
		default:
			dir.Close()
		}
		if want != nil && want != unix.ENOTDIR {
			if dir, err = choose([]string{top + path}, false); err != nil {
				t.Errorf("%s, with links: %v", path, err)
				continue
			}
			dir.Close()
		}
	}
}

// firstError is the first error.
func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestChoose_MakesDirectoriesThatOnlyTheirOwnerWrites(t *testing.T) {
	top := filepath.Join(t.TempDir(), "a")
	defer unix.Umask(unix.Umask(0))
	mustWrite(t, newStore(t, Options{Dirs: []string{top + "/b"}}), []byte("{}"))
	for _, path := range []string{top, top + "/b"} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != os.ModeDir|0o755 {
			t.Errorf("%s: %v, want 0755 (%v)", path, info.Mode(), err)
		}
	}
}

func TestWrite_TakesTheFirstUsableCandidate(t *testing.T) {
	top := t.TempDir()
	file, first, second := top+"/file", top+"/first", top+"/second"
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mustWrite(t, newStore(t, Options{Dirs: []string{"relative", file, first, second}}), []byte("{}"))
	if got := len(list(t, first, "profile_*")); got != 1 {
		t.Errorf("%d files in the first usable directory, want 1", got)
	}
	if _, err := os.Stat(second); !os.IsNotExist(err) {
		t.Errorf("the second was touched: %v", err)
	}
}

func TestWrite_WithoutADirectorySaysWhyForEach(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := newStore(t, Options{Dirs: []string{"relative", file}}).Write([]byte("{}"))
	wantError(t, err, ErrNoDirectory, unix.ENOTDIR)
	want := "no usable buffer directory: relative: not an absolute path; " + file + ": not a directory"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	wantError(t, newStore(t, Options{}).Write([]byte("{}")), ErrNoDirectory)
}

func TestWrite_ChoosesAgainWhenItsDirectoryIsNoLongerThere(t *testing.T) {
	tests := []struct {
		name   string
		change func(path string) error
		want   string // the candidate that the next profile is in
	}{
		{"removed", os.RemoveAll, "first"},
		{"moved away", func(path string) error { return os.Rename(path, path+"-old") }, "first"},
		{"replaced by another directory", func(path string) error {
			return firstError(os.Rename(path, path+"-old"), os.Mkdir(path, 0o755))
		}, "first"},
		{"replaced by a file", func(path string) error {
			return firstError(os.RemoveAll(path), os.WriteFile(path, nil, 0o600))
		}, "second"},
		{"replaced by a link", func(path string) error {
			return firstError(os.Rename(path, path+"-old"), os.Symlink(path+"-old", path))
		}, "second"},
		{"opened to everybody", func(path string) error { return os.Chmod(path, 0o777) }, "second"},
		{"handed to another user", func(path string) error { return os.Chown(path, nobody, nobody) }, "second"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if strings.Contains(tt.name, "another user") {
				needRoot(t)
			}
			top := t.TempDir()
			first := filepath.Join(top, "first")
			s := newStore(t, Options{Dirs: []string{first, filepath.Join(top, "second")}})
			mustWrite(t, s, document(10))
			before := openDescriptors(t)
			if err := tt.change(first); err != nil {
				t.Fatal(err)
			}
			mustWrite(t, s, document(20))
			files := list(t, filepath.Join(top, tt.want), "profile_*")
			if len(files) == 0 {
				t.Fatalf("nothing in %s", tt.want)
			}
			if after := openDescriptors(t); after != before {
				t.Errorf("%d descriptors, %d before", after, before)
			}
		})
	}
}

func openDescriptors(t *testing.T) int {
	t.Helper()
	return len(list(t, "/proc/self/fd", "*"))
}

func TestWrite_SurvivesAHostThatClosesDescriptors(t *testing.T) {
	pipe := func(fd int) error { // the number becomes somebody's pipe
		var ends [2]int
		if err := unix.Pipe(ends[:]); err != nil {
			return err
		}
		defer unix.Close(ends[0])
		defer unix.Close(ends[1])
		return unix.Dup2(ends[1], fd)
	}
	tests := []struct {
		name  string
		reuse func(fd int) error
	}{
		{"closed", unix.Close},
		{"reused for a pipe", pipe},
		{"reused for another directory", func(fd int) error {
			other, err := unix.Open("/", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			defer unix.Close(other)
			return unix.Dup2(other, fd)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := newStore(t, Options{Dirs: []string{dir}})
			mustWrite(t, s, document(10))
			fd := s.dir.FD
			if err := tt.reuse(fd); err != nil {
				t.Fatal(err)
			}
			var before, after unix.Stat_t
			open := unix.Fstat(fd, &before) == nil
			mustWrite(t, s, document(10))
			if got := len(list(t, dir, "profile_*")); got != 2 {
				t.Errorf("%d files, want 2", got)
			}
			if !open {
				return
			}
			defer unix.Close(fd)
			if err := unix.Fstat(fd, &after); err != nil || after.Ino != before.Ino || after.Dev != before.Dev {
				t.Errorf("the host's descriptor was touched: %v", err)
			}
		})
	}
}

func TestClose_GivesTheDescriptorBack(t *testing.T) {
	before := openDescriptors(t)
	s := New(Options{Dirs: []string{t.TempDir()}})
	for range 3 {
		mustWrite(t, s, document(10))
		s.Close()
	}
	if after := openDescriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}
