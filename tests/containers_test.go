package tests

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// Starts what docs/containers.md says of containers, without a container engine: mounts, process ids and users of its
// own. Each row is a start of the container, and what can be seen of it from outside.
func TestContainer(t *testing.T) {
	needRoot(t)
	need(t, "php", "php-cli")
	need(t, "unshare", "util-linux")
	for _, test := range []struct {
		name, mounts string
		mode         uint32 // of the volume for the buffer, which is root's, or, rootless, PHP's
		user         int    // PHP's: 33 is rootless
		listens      bool
		starts       int
		says         string
		buffered     int
	}{
		{"read-only root", "mount -o remount,bind,ro /", 0o1777, 42003, true, 1, "sent native", 0},
		{"read-only root, no listener", "mount -o remount,bind,ro /", 0o1777, 42003, false, 1, "not sent native", 1},
		{"an emptyDir as Kubernetes makes it", "", 0o2777, 42003, false, 1, "not sent native", 0},
		{"no /dev/shm", "mount -t tmpfs -o ro tmpfs /dev/shm", 0o1777, 42003, true, 1, "sent native", 0},
		{"a /dev/shm without room", "mount -t tmpfs -o size=4k tmpfs /dev/shm; head -c 4096 /dev/zero > /dev/shm/full", 0o1777, 42003, false, 1, "not sent native", 1},
		{"no /proc", "umount -l /proc", 0o1777, 42003, true, 1, "sent native", 0},
		{"restarts with the same process ids", "", 0o1777, 42003, false, 3, "not sent native", 3},
		{"rootless", "", 0o755, 33, true, 1, "sent native", 0},
		{"rootless, no listener", "", 0o755, 33, false, 1, "not sent native", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			check(t, os.Mkdir(s.buffer, 0o777))
			if test.user == 33 {
				check(t, os.Chown(s.buffer, 42003, 42003))
			}
			check(t, syscall.Chmod(s.buffer, test.mode))
			if test.listens {
				listen(t, s.socket)
			}
			for range test.starts {
				out, err := container(t, s, test.mounts, test.user).CombinedOutput()
				if err != nil || string(out) != test.says {
					t.Errorf("%v: %q, want %q", err, out, test.says)
				}
			}
			if got := len(s.profiles(t)); got != test.buffered {
				t.Errorf("%d profiles in the buffer, want %d", got, test.buffered)
			}
		})
	}
}

// container sends a profile by PHP as that user. The buffer is a volume: a mount of its own. Where the user is 33,
// it is 42003 outside, as with podman's --userns=keep-id:uid=33,gid=33.
func container(t *testing.T, s scene, mounts string, user int) *exec.Cmd {
	t.Helper()
	config := s.write(t, "config.php", fmt.Sprintf(
		`<?php function get_profiling_config(): array { return ['listener_socket' => '%s', 'buffer_dirs' => ['%s']]; }`, s.socket, s.buffer))
	code := fmt.Sprintf(`require '%s'; require '%s/php/transmitter.php';
		echo send_profiling_data(['a' => 1]) ? 'sent ' : 'not sent ', check_listener_socket()['mode'], check_listener_socket()['plain_because'];`, config, stage)
	script := fmt.Sprintf(`mount --make-rprivate /; mount --bind %[1]s %[1]s; cd /; %[2]s
		exec setpriv --reuid %[3]d --regid %[3]d --clear-groups php -d ffi.enable=1 -d error_log=/dev/null -r "$0"`, s.buffer, mounts, user)
	cmd := exec.Command("unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, code)
	if user == 33 {
		ids := []syscall.SysProcIDMap{{Size: 1}, {ContainerID: user, HostID: 42003, Size: 1}}
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER,
			UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true}
	}
	return cmd
}

var (
	tracedCall  = regexp.MustCompile(`(?m)^\d+ +(?:<\.\.\. )?([a-z][a-z0-9_]*)(?:\(| resumed)(.*)$`)
	tracedLimit = regexp.MustCompile(`PROT_WRITE\|PROT_EXEC|AF_(?:INET|NETLINK|PACKET)`)
)

// What docs/containers.md says of a unit's options holds for all paths that a profile can take. Each system call is in
// SystemCallFilter=@system-service, no socket needs another family than AF_UNIX, and no memory is both writable and
// executable.
func TestContainer_SystemdOptions(t *testing.T) {
	allowed := systemCalls(t, need(t, "systemd-analyze", "systemd"), "@system-service")
	s := newScene(t)
	log := s.dir + "/trace"
	d := idleDriver(t, s, need(t, "strace", "strace"), "-f", "-qq", "-o", log)
	d.load([]byte(`{"id":"########"}`))
	l := listen(t, s.socket)
	d.sends(1, flagTrusted, s.socket)                                                                            // without Go
	d.configure(s.settings(map[string]any{"oversize": "memfd", "buffer_max_files": 3, "timeout_us": 2_000_000})) // Go starts
	d.load(padded(300_000))
	d.sends(1, 0, "-") // as a memfd
	d.load([]byte(`{"id":"########"}`))
	d.sends(5, flagToDisk, "-") // evicts, too
	d.settle()
	l.retire()
	d.sends(1, 0, "-")
	d.settle()
	listen(t, s.socket)
	if a := d.ask("replay 10 1000000"); a.result < 1 {
		t.Errorf("replay: %+v", a)
	}
	d.exit()
	text, err := os.ReadFile(log)
	check(t, err)
	made := map[string]bool{}
	for _, call := range tracedCall.FindAllStringSubmatch(string(text), -1) {
		made[call[1]] = true
		if !allowed[call[1]] || tracedLimit.MatchString(call[2]) {
			t.Errorf("not allowed: %s %s", call[1], call[2])
		}
	}
	for _, name := range []string{"sendto", "clone3", "renameat2", "memfd_create", "sendmsg"} {
		if !made[name] {
			t.Errorf("%s is not among %v", name, slices.Sorted(maps.Keys(made)))
		}
	}
}

// systemCalls are those of a set of systemd's, and of the sets in it.
func systemCalls(t *testing.T, analyze, set string) map[string]bool {
	t.Helper()
	out, err := exec.Command(analyze, "syscall-filter", set).Output()
	check(t, err)
	all := map[string]bool{}
	for _, name := range strings.Fields(regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(string(out), "")) {
		switch {
		case name == set:
		case name[0] == '@':
			maps.Copy(all, systemCalls(t, analyze, name))
		default:
			all[name] = true
		}
	}
	return all
}
