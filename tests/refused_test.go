package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A sandbox, a file system or an old kernel refuses system calls, with each errno that occurs: the profile is sent or
// written, and no temporary file stays.
func TestRefused(t *testing.T) {
	errnos := []syscall.Errno{syscall.EPERM, syscall.ENOSYS, syscall.EINVAL, syscall.EOPNOTSUPP, syscall.EACCES}
	for _, calls := range []string{
		"renameat2", "renameat2 linkat", "faccessat2", "faccessat2 renameat2 linkat", "memfd_create", "flock",
		"fallocate", "sched_setaffinity", "getrandom", "fstatfs", "setrlimit", "rt_sigtimedwait", "epoll_create1",
	} {
		some := errnos
		if !strings.Contains(calls, "at2") && calls != "memfd_create" {
			some = errnos[:1] // there is one way only, and a failure of it
		}
		for _, errno := range some {
			t.Run(fmt.Sprintf("%s %d", calls, errno), func(t *testing.T) { refused(t, calls, errno) })
		}
	}
}

// refusing is a driver whose calls are refused.
func refusing(t *testing.T, s scene, calls string, errno syscall.Errno) *driver {
	t.Helper()
	cmd := exec.Command(program(t, "refuse"))
	for _, call := range strings.Fields(calls) {
		cmd.Args = append(cmd.Args, fmt.Sprintf("%s=%d", call, errno))
	}
	cmd.Args = append(cmd.Args, "--", program(t, "driver"))
	return driverOf(t, s, cmd)
}

func refused(t *testing.T, calls string, errno syscall.Errno) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := refusing(t, s, calls, errno)
	d.configure(s.settings(map[string]any{"oversize": "memfd", "buffer_max_files": 3, "timeout_us": 2_000_000}))
	d.load([]byte(`{"id":"########"}`))
	var f figures
	for _, a := range append(d.sends(2, 0, "-"), d.sends(6, flagToDisk, "-")...) {
		want := sent
		if f.sent == 2 {
			want = buffered
		}
		f.want(t, a, want, "")
	}
	if strings.Contains(calls, "memfd_create") {
		d.load(padded(300_000))
		f.want(t, d.sends(1, 0, "-")[0], buffered, "")
	}
	d.settle()
	l.await(2)
	if left := s.debris(t); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if got := len(s.profiles(t)); got != 3 {
		t.Errorf("%d files, want 3", got)
	}
}

// clone3 is refused, so no thread can be created: the host lives, and the result says why. After ENOSYS, the C library
// creates threads in another way.
func TestRefused_Clone3(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.ENOSYS, syscall.EPERM, syscall.EINVAL, syscall.EACCES} {
		t.Run(errno.Error(), func(t *testing.T) {
			s := newScene(t)
			d := refusing(t, s, "clone3", errno)
			d.load([]byte(s.settings(nil)))
			a := d.ask("configure")
			for try := 0; try < 20 && a.result == eStarting; try++ {
				a = d.ask("configure")
			}
			if a.result != eResource && (a.result != 0 || errno != syscall.ENOSYS) {
				t.Errorf("%+v", a)
			}
			d.exit()
		})
	}
}

var (
	stateDirectory = regexp.MustCompile(`^\.transmit-state-\d+$`)
	stateName      = regexp.MustCompile(`^(listener-[0-9a-f]{4}|\.transmit-(keeper|replay)-[0-9a-f]{4}-\d+)$`)
)

// debris are the names in the buffer that may not stay: all but profiles, and a directory of
// the user's own with listeners' numbers and locks.
func (s scene) debris(t *testing.T) (left []string) {
	t.Helper()
	for _, name := range namesIn(t, s.buffer) {
		if profileName.MatchString(name) {
			continue
		}
		if !stateDirectory.MatchString(name) {
			left = append(left, name)
			continue
		}
		for _, inner := range namesIn(t, filepath.Join(s.buffer, name)) {
			if !stateName.MatchString(inner) {
				left = append(left, name+"/"+inner)
			}
		}
	}
	return left
}

// namesIn are all files of a directory, also hidden ones.
func namesIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	check(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
