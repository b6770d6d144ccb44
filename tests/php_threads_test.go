//go:build on_matrix

package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The host runs PHP in sixteen threads (matrix/threads.c): each profile is where its request was told, and the library
// has sent it.
func TestThreads_PHP(t *testing.T) {
	const places = 16
	for _, c := range []struct {
		name            string
		lives, requests int
		listens         func(t *testing.T, s scene) func() map[string]int
	}{
		{"a listener", 1, 30, reads},
		{"a slow listener", 1, 30, readsSlowly},
		{"no listener", 1, 30, isAbsent},
		{"short-lived threads", 30, 1, reads},
		{"short-lived threads, no listener", 30, 1, isAbsent},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.buffer = inMemory(t)
			arrived := c.listens(t, s)
			out := succeed(t, time.Minute, threads16(t, s, places, c.lives, c.requests))
			told := toldBy(t, out, places*c.lives*c.requests)
			atListener := arrived()
			sentNow := 0
			var all []string
			for id, how := range told {
				all = append(all, id)
				if strings.HasPrefix(how, "sent ") {
					sentNow++
				}
				if !strings.HasSuffix(how, " native") {
					t.Errorf("%s: %s, want it by the library", id, how)
				}
			}
			if sentNow != len(atListener) {
				t.Errorf("%d were told that the listener has it, and it has %d", sentNow, len(atListener))
			}
			account(t, all, atListener, ids(t, s.profiles(t)...), nil).report(t)
		})
	}
}

// The time limit of each thread's request ends during a call. Only the profile of the last call may be missing.
func TestThreads_PHPTimeLimit(t *testing.T) {
	const places, requests = 16, 2
	s := newScene(t)
	s.buffer = inMemory(t)
	arrived := reads(t, s)
	cmd := threads16(t, s, places, 1, requests)
	cmd.Env = append(cmd.Env, "TEST_SECONDS=1", `TEST_SETTINGS={"buffer_max_files":1000000}`)
	o := run(t, time.Minute, cmd)
	if !o.state.Success() {
		t.Errorf("%v\n%.1000s%s", o.state, o.out, o.errors)
	}
	last := map[string]string{} // by request: the call that its time may have ended in
	var all []string
	for line := range strings.Lines(o.out) {
		id, how, _ := strings.Cut(strings.TrimSpace(line), " ")
		if how == "busy -" {
			last[id[:strings.LastIndex(id, "-")]] = id
		}
		if how == "busy -" || strings.HasSuffix(id, "-last") {
			all = append(all, id)
		}
	}
	ends := strings.Count(o.out, "-last ")
	if ends != places*requests || len(all) < 10*ends {
		t.Errorf("%d requests told their end, want %d; %d calls\n%.1000s", ends, places*requests, len(all), o.errors)
	}
	atListener, inBuffer := arrived(), ids(t, s.profiles(t)...)
	interrupted := map[string]bool{}
	for _, id := range last {
		if atListener[id]+inBuffer[id] == 0 {
			interrupted[id] = true
		}
	}
	account(t, all, atListener, inBuffer, interrupted).report(t)
}

// threads16 runs the host; its PHP reads an ini of its own beside the suite's.
func threads16(t *testing.T, s scene, places, lives, requests int) *exec.Cmd {
	t.Helper()
	if _, err := os.Stat(stage + "/threads"); err != nil {
		t.Fatal("the host is there in the folder zts only: ./build.sh matrix zts")
	}
	check(t, os.MkdirAll(s.dir+"/ini", 0o755))
	s.write(t, "ini/test.ini", "ffi.enable=true\ndisplay_errors=0\nlog_errors=1\nerror_reporting=-1\nerror_log="+s.dir+"/php.log\n")
	cmd := exec.Command(stage+"/threads", stage+"/tests/php/scripts/threads.php", fmt.Sprint(places), fmt.Sprint(lives), fmt.Sprint(requests))
	cmd.Env = append(append(os.Environ(), s.environment()...), "PHP_INI_SCAN_DIR=:"+filepath.Join(s.dir, "ini"))
	t.Cleanup(func() {
		log, _ := os.ReadFile(s.dir + "/php.log")
		if found := phpComplains.Find(log); found != nil {
			t.Errorf("PHP's log: %s", found)
		}
		if t.Failed() {
			t.Logf("PHP's log: %.3000s", log)
		}
	})
	return cmd
}

// toldBy is what each request printed, by its id.
func toldBy(t *testing.T, out string, want int) map[string]string {
	t.Helper()
	told := map[string]string{}
	for line := range strings.Lines(out) {
		if id, how, found := strings.Cut(strings.TrimSpace(line), " "); found && id[0] >= '0' && id[0] <= '9' {
			told[id] = how
		}
	}
	if len(told) != want || !strings.HasSuffix(out, "all have ended\n") {
		t.Errorf("%d requests have answered, want %d:\n%.1000s", len(told), want, out)
	}
	return told
}

// reads is a listener that reads at once; what it returns ends it and says what it has.
func reads(t *testing.T, s scene) func() map[string]int {
	l := listen(t, s.socket)
	return func() map[string]int {
		l.retire()
		return ids(t, l.all()...)
	}
}

// readsSlowly stops reading for 50 ms again and again, so that its queue is full.
func readsSlowly(t *testing.T, s scene) func() map[string]int {
	l := listen(t, s.socket)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				l.mu.Lock()
				time.Sleep(50 * time.Millisecond)
				l.mu.Unlock()
			}
		}
	}()
	return func() map[string]int {
		close(stop)
		<-stopped
		l.retire()
		return ids(t, l.all()...)
	}
}

func isAbsent(*testing.T, scene) func() map[string]int {
	return func() map[string]int { return nil }
}
