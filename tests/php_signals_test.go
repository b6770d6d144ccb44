package tests

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// faces are both ways to send, by what the library's path is set to.
var faces = []struct{ name, settings string }{{"native", `{"library":null}`}, {"plain PHP", `{"library":""}`}}

// A signal handler of the application throws during a call. The application gets the exception, and the profile is
// where it would be without.
func TestSignals_PHPHandlerThrows(t *testing.T) {
	const seconds = 3
	for _, face := range faces {
		t.Run(face.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			cmd := php(t, s, "throwing.php", fmt.Sprint(seconds))
			cmd.Env = append(cmd.Env, "TEST_SETTINGS="+face.settings)
			p := start(t, 60*time.Second, cmd)
			p.line() // ready
			for end := time.Now().Add(seconds * time.Second * 9 / 10); time.Now().Before(end); {
				syscall.Kill(p.pid(), syscall.SIGALRM)
				time.Sleep(300 * time.Microsecond)
			}
			var thrown, caught int
			_, err := fmt.Sscan(p.line(), &thrown, &caught)
			check(t, err)
			var all []string
			threw := map[string]bool{}
			for line := p.line(); line != "end"; line = p.line() {
				id, how, _ := strings.Cut(line, " ")
				all = append(all, id)
				threw[id] = how == "threw"
			}
			p.exit()
			l.retire()
			atListener, inBuffer := ids(t, l.all()...), ids(t, s.profiles(t)...)
			refused := map[string]bool{}
			for id, is := range threw { // before anything was done: the exception says so
				if is && atListener[id]+inBuffer[id] == 0 {
					refused[id] = true
				}
			}
			f := account(t, all, atListener, inBuffer, refused)
			t.Logf("%d exceptions in %d calls", thrown, len(all))
			if thrown < 50 || caught != thrown {
				t.Errorf("%d exceptions, %d arrived", thrown, caught)
			}
			if f.refused > thrown/10 {
				t.Errorf("%d calls did nothing", f.refused)
			}
			if log, err := os.ReadFile(s.dir + "/php.log"); err == nil && strings.Contains(string(log), "Alarm") {
				t.Errorf("PHP's log:\n%s", log)
			}
			f.report(t)
		})
	}
}

// max_execution_time ends during a call. The request ends with a fatal error, and at most the profile of that call is
// lost.
func TestTimeLimit_PHP(t *testing.T) {
	for _, face := range faces {
		t.Run(face.name, func(t *testing.T) {
			s := newScene(t)
			s.buffer = inMemory(t)
			l := listen(t, s.socket)
			cmd := php(t, s, "time_limit.php")
			cmd.Env = append(cmd.Env, "TEST_SETTINGS="+face.settings)
			o := run(t, 30*time.Second, cmd)
			if o.state.ExitCode() != 255 || !strings.HasSuffix(o.out, "\nsent\n") {
				t.Errorf("%v\n%.1000s%s", o.state, o.out, o.errors)
			}
			l.retire()
			atListener, inBuffer := ids(t, l.all()...), ids(t, s.profiles(t)...)
			all := []string{"last"}
			var n int
			for line := range strings.Lines(o.out) {
				if _, err := fmt.Sscan(line, &n); err == nil {
					all = append(all, fmt.Sprintf("busy%d", n))
				}
			}
			last := all[len(all)-1]
			refused := map[string]bool{}
			if atListener[last]+inBuffer[last] == 0 {
				refused[last] = true
			}
			if len(all) < 100 {
				t.Errorf("only %d calls", len(all))
			}
			account(t, all, atListener, inBuffer, refused).report(t)
		})
	}
}
