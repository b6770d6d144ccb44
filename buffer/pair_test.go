package buffer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// restrain writes in a process in which renameat2 is missing, and unlinkat fails or kills.
func restrain(t *testing.T, dir string, unlink int) {
	t.Helper()
	cmd, output := inRole(t, "restrained", dir, fmt.Sprint(int(unix.EINVAL)), "0", fmt.Sprint(unlink))
	if err := cmd.Run(); err == nil {
		t.Fatalf("it did not fail: %s", output)
	}
	if cmd.ProcessState.ExitCode() == cannotFilter {
		cannot(t, "filter system calls", errors.New(output.String()))
	}
}

// A process is killed between link and unlink: its profile counts, is sent, and has one name again. In a directory in
// which others can create names, this takes as long as with debris.
func TestMoveByLink_Killed(t *testing.T) {
	for _, test := range []struct {
		name  string
		mode  uint32
		age   time.Duration
		mends bool
	}{
		{"just now", 0o755, 0, true},
		{"long ago", 0o755, time.Hour, true},
		{"just now, sticky", 0o1777, 0, false},
		{"long ago, sticky", 0o1777, time.Hour, true},
		{"just now, of a group", 0o1775, 0, false},
	} {
		for _, by := range []string{"limits", "replay"} {
			t.Run(test.name+", by the "+by, func(t *testing.T) {
				dir := t.TempDir()
				if err := unix.Chmod(dir, test.mode); err != nil {
					t.Fatal(err)
				}
				restrain(t, dir, killed)
				left := list(t, dir, "*")
				if len(left) != 2 {
					t.Fatalf("the killed process left %q, want two names", left)
				}
				at := time.Now().Add(-test.age)
				os.Chtimes(filepath.Join(dir, left[1]), at, at)
				s := newStore(t, Options{Dirs: []string{dir}, MaxFiles: 1})
				var mended bool
				if by == "replay" {
					mended = len(takeAll(t, s, 10000, gone)) == 1 && len(list(t, dir, "*")) == 0
				} else {
					mustWrite(t, s, document(10)) // evicts it
					mended = len(list(t, dir, "*")) == 1
				}
				if mended != test.mends {
					t.Errorf("mended %v, want %v: %q", mended, test.mends, list(t, dir, "*"))
				}
			})
		}
	}
}

// Where unlink fails, the caller is told so, and no more than these two names are left.
func TestMoveByLink_UnlinkFails(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EIO, unix.EPERM, unix.EACCES} {
		dir := t.TempDir()
		restrain(t, dir, int(errno))
		// After EACCES, the directory is chosen and written to again.
		if left := list(t, dir, "profile_*"); len(left) > 2 {
			t.Errorf("%v: %q", errno, left)
		}
	}
}

// A replay is killed between link and unlink: the profile is sent, and nothing else is taken for a claim.
func TestRestoreClaimed_TwoNames(t *testing.T) {
	for _, test := range []struct {
		name   string
		second func(dir, name string) string // the other name of the claimed file
		more   string                        // a third one
		want   []string                      // offered
		claims int                           // left
	}{
		{"in the claim", func(dir, name string) string { return filepath.Join(dir, name) }, "", []string{"a"}, 0},
		{"when it was set aside", func(dir, name string) string { return filepath.Join(dir, badPrefix+name) }, "", nil, 0},
		{"another name", func(dir, _ string) string { return filepath.Join(dir, profileNumber(7)) }, "", nil, 1},
		{"elsewhere", func(dir, _ string) string { return dir + "-mine" }, "", nil, 1},
		{"a third name", func(dir, name string) string { return filepath.Join(dir, name) }, "third", nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			name := put(t, dir, "a", 10)
			claim := filepath.Join(ownDirectory(dir), name)
			err := firstError(os.Mkdir(ownDirectory(dir), 0o700), os.Rename(filepath.Join(dir, name), claim), os.Link(claim, test.second(dir, name)))
			if err == nil && test.more != "" {
				err = os.Link(claim, filepath.Join(dir, test.more))
			}
			if err != nil {
				t.Fatal(err)
			}
			s := newStore(t, Options{Dirs: []string{dir}})
			if got := takeAll(t, s, 1000, gone); !slices.Equal(got, test.want) {
				t.Errorf("offered %q, want %q", got, test.want)
			}
			if got := list(t, ownDirectory(dir), "profile_*"); len(got) != test.claims {
				t.Errorf("claims %q, want %d", got, test.claims)
			}
			if _, err := os.Lstat(test.second(dir, name)); err != nil && test.want == nil {
				t.Error("the other name is gone")
			}
		})
	}
}
