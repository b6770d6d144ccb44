package tests

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// What docs/containers.md says of containers, without a container engine: mounts and process ids of its own. Each
// row is a start of the container, and what of it is to be seen from outside.
func TestContainer(t *testing.T) {
	needRoot(t)
	need(t, "php", "php-cli")
	need(t, "unshare", "util-linux")
	for _, test := range []struct {
		name, mounts string
		mode         os.FileMode // of the volume for the buffer, which is root's
		listens      bool
		starts       int
		says         string
		buffered     int
	}{
		{"read-only root", "mount -o remount,bind,ro /", 0o1777, true, 1, "sent native", 0},
		{"read-only root, no listener", "mount -o remount,bind,ro /", 0o1777, false, 1, "not sent native", 1},
		{"an emptyDir as Kubernetes makes it", "", 0o777 | os.ModeSetgid, false, 1, "not sent native", 0},
		{"no /dev/shm", "mount -t tmpfs -o ro tmpfs /dev/shm", 0o1777, true, 1, "sent native", 0},
		{"a /dev/shm without room", "mount -t tmpfs -o size=4k tmpfs /dev/shm; head -c 4096 /dev/zero > /dev/shm/full", 0o1777, false, 1, "not sent native", 1},
		{"no /proc", "umount -l /proc", 0o1777, true, 1, "sent native", 0},
		{"restarts with the same process ids", "", 0o1777, false, 3, "not sent native", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t)
			check(t, os.Mkdir(s.buffer, 0o777))
			mode := test.mode&0o777 | test.mode&os.ModeSetgid
			if test.mode&0o1000 != 0 {
				mode |= os.ModeSticky
			}
			check(t, os.Chmod(s.buffer, mode))
			if test.listens {
				listen(t, s.socket)
			}
			config := s.write(t, "config.php", fmt.Sprintf(
				`<?php function get_profiling_config(): array { return ['listener_socket' => '%s', 'buffer_dirs' => ['%s']]; }`, s.socket, s.buffer))
			code := fmt.Sprintf(`require '%s'; require '%s/php/transmitter.php';
				echo send_profiling_data(['a' => 1]) ? 'sent ' : 'not sent ', check_listener_socket()['mode'], check_listener_socket()['plain_because'];`, config, stage)
			// The buffer is a volume: a mount of its own.
			script := "mount --make-rprivate /; mount --bind / /; mount --bind " + s.buffer + " " + s.buffer + "; cd /; " + test.mounts +
				"\nexec setpriv --reuid 42003 --regid 42003 --clear-groups php -d ffi.enable=1 -d error_log=/dev/null -r \"$0\""
			for range test.starts {
				out, err := exec.Command("unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", script, code).CombinedOutput()
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
