package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slow is a prefix for a program: the system call of its kind takes so much longer, on
// its way in ("enter") or out ("exit"), as on a slow disk.
func slow(t *testing.T, call, way string, delay time.Duration) []string {
	t.Helper()
	return []string{need(t, "strace", "strace"), "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:delay_%s=%d", call, way, delay.Microseconds())}
}

const nap = 400 * time.Millisecond

// A process ends, in several ways, while the writer works. What becomes of the profile is what transmit.h says at
// transmit_flush.
func TestExit_WhileTheWriterWorks(t *testing.T) {
	for _, c := range []struct {
		name  string
		delay time.Duration
		flush bool
		kept  bool
	}{
		{"exit", nap, false, true},
		{"return from main", nap, false, true},
		{"_exit", nap, false, false},
		{"_exit", nap, true, true},
		{"quick_exit", nap, false, false},
		{"exec", nap, false, false},
		{"exec", nap, true, true},
		{"abort", nap, true, true},
		{"exit", 2 * time.Second, false, false}, // hung: the wait ends after a second
	} {
		t.Run(fmt.Sprintf("%s, flush %v, %v", c.name, c.flush, c.delay), func(t *testing.T) {
			s := newScene(t)
			d := startDriver(t, s, slow(t, "renameat2", "enter", c.delay)...)
			if a := d.send([]byte(`{"id":"1"}`)); a.result != pending {
				t.Fatalf("%+v, want it pending", a)
			}
			if c.flush {
				d.settle()
			}
			began := time.Now()
			if c.name == "return from main" {
				d.stdin.Close()
			} else {
				d.tell("end %s", c.name)
			}
			<-d.done
			took := time.Since(began)
			if n := len(s.profiles(t)); (n == 1) != c.kept {
				t.Errorf("%d files, want it kept: %v", n, c.kept)
			}
			if took > 3*time.Second {
				t.Errorf("the end took %v", took)
			}
			if c.kept {
				figures{buffered: 1, worst: took}.report(t)
			}
		})
	}
}

// One thread calls exit(3) while others are in calls of the library.
func TestExit_InTheMidstOfCalls(t *testing.T) {
	var died figures
	for round := range 20 {
		s := newScene(t)
		listen(t, s.socket)
		d := startDriver(t, s)
		d.load(padded(500))
		d.tell("leave %d", 500*round)
		<-d.done
		if !d.cmd.ProcessState.Success() {
			t.Errorf("round %d: %v %s", round, d.cmd.ProcessState, d.errors.String())
			died.died++
		}
		s.profiles(t) // wants each to be whole
	}
	died.report(t)
}

// A host closes all descriptors while a slow disk has not yet taken a profile. The number of the profile's file then
// belongs to another file.
func TestExit_DescriptorsClosedWhileTheWriterWorks(t *testing.T) {
	for _, c := range []struct{ call, way string }{{"write", "exit"}, {"renameat2", "enter"}} {
		t.Run(c.call, func(t *testing.T) {
			s := newScene(t)
			d := startDriver(t, s, slow(t, c.call, c.way, nap)...)
			if a := d.send([]byte(`{"id":"1"}`)); a.result != pending {
				t.Fatalf("%+v, want it pending", a)
			}
			d.tell("closefrom 3")
			d.ask("occupy %s/file %d 1", s.dir, syscall.SOCK_DGRAM)
			d.settle()
			if a := d.ask("occupied"); a.result != 0 {
				t.Errorf("%d bytes in the host's files and sockets (-1: closed)", a.result)
			}
			eachOnce(t, ids(t, s.profiles(t)...), 1)
			figures{buffered: 1}.report(t)
		})
	}
}

// In whatever way a PHP program ends, the library waits up to a second for its profile's file.
func TestExit_PHPWhileTheWriterWorks(t *testing.T) {
	for _, end := range []string{"the end", "exit", "in a shutdown function", "an exception", "out of memory", "a fatal error"} {
		t.Run(end, func(t *testing.T) {
			for try := 0; try < 12; try++ { // where a busy machine has no time to start the library, plain PHP does it
				if endsWhileTheWriterWorks(t, end) {
					return
				}
			}
			t.Error("the disk was not slow for the library")
		})
	}
}

func endsWhileTheWriterWorks(t *testing.T, end string) (byLibrary bool) {
	t.Helper()
	poolFileOf(t, os.Geteuid()) // so that the log line is due
	s := newScene(t)
	script := php(t, s, "slow_exit.php", end)
	prefix := slow(t, "renameat2", "enter", nap)
	cmd := exec.Command(prefix[0], append(prefix[1:], script.Args...)...)
	cmd.Env = append(script.Env, fmt.Sprintf(`TEST_SETTINGS={"timeout_us":%d}`, (nap*3/4).Microseconds()))
	began := time.Now()
	o := run(t, 20*time.Second, cmd)
	want := map[string]int{"the end": 0, "exit": 3, "in a shutdown function": 3}[end]
	if strings.HasPrefix(end, "a") || end == "out of memory" {
		want = 255
	}
	if o.state.ExitCode() != want {
		t.Errorf("%v, want %d: %s", o.state, want, o.errors)
	}
	eachOnce(t, ids(t, s.profiles(t)...), 1)
	if !strings.Contains(read(t, s.dir+"/php.log"), "on its way to the disk") {
		return false
	}
	if took := time.Since(began); took < nap {
		t.Errorf("it did not wait: %v", took)
	}
	figures{buffered: 1}.report(t)
	return true
}

// Each process writes one profile and ends. One of them scans a directory that is far over its limits, and removes the
// oldest files, before it ends; and its end takes no longer than a scan and a second.
func TestExit_ShortLivedProcessesKeepTheLimits(t *testing.T) {
	const files, limit, processes = 12_000, 1000, 8
	s := newScene(t)
	check(t, os.Mkdir(s.buffer, 0o700))
	hourAgo := time.Now().Add(-time.Hour)
	for i := range files {
		path := fmt.Sprintf("%s/profile_20250101_000000_%08x.json", s.buffer, i)
		check(t, os.WriteFile(path, []byte("{}"), 0o600))
		check(t, os.Chtimes(path, hourAgo, hourAgo))
	}
	var worst time.Duration
	left := files
	for i := range processes {
		d := startDriver(t, s)
		d.configure(s.settings(map[string]any{"buffer_max_files": limit, "timeout_us": 2_000_000}))
		if a := d.send([]byte(fmt.Sprintf(`{"id":"%d"}`, i))); a.result != buffered && a.result != pending {
			t.Fatalf("%+v, want it buffered", a)
		}
		began := time.Now()
		d.tell("end exit")
		<-d.done
		worst = max(worst, time.Since(began))
		left = len(s.profiles(t))
		t.Logf("process %d: %d files, its end took %v", i, left, time.Since(began))
	}
	if left > limit+processes || left < limit-processes {
		t.Errorf("%d files, the limit is %d", left, limit)
	}
	if worst > 3*time.Second { // one second on a machine that is not busy
		t.Errorf("an end took %v", worst)
	}
}
