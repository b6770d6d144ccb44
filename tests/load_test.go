package tests

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// loadWorkers are as many as a server of that size has, in a soak as many as a large one has.
func loadWorkers() int {
	if env("TRANSMIT_SOAK_SECONDS", "0") != "0" {
		return 50
	}
	return 20
}

func loadPool() string { return fmt.Sprintf("pm.max_children=%d\npm.max_requests=150", loadWorkers()) }

// php-fpm under load: 20 workers are recycled, reloaded and killed, and the listener dies, stops and comes back. Every
// profile is accounted for, and none is there twice.
func TestLoad_FPM(t *testing.T) {
	for _, c := range []struct {
		recipe
		share float64 // of a soak
	}{{recipes[0], 0.2}, {recipes[4], 0.1}} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			if !c.native {
				s.buffer = inMemory(t) // plain PHP cannot leave a slow disk alone
				check(t, os.Chmod(s.buffer, 0o777|os.ModeSticky))
			}
			check(t, os.Mkdir(s.dir+"/ledger", 0o777))
			check(t, os.Chmod(s.dir+"/ledger", 0o777))
			// The limits are the defaults: the test takes the files before there are so many.
			seed := seedOf(t)
			u := newUnrest(t, s, rand.New(rand.NewPCG(seed, 0)))
			f := startPool(t, s, c.recipe, loadPool())
			t.Cleanup(func() {
				if text, err := os.ReadFile(f.log); err == nil && t.Failed() {
					t.Logf("php-fpm: %v, its log ends\n%s", f.cmd.ProcessState, text[max(0, len(text)-3000):])
				}
			})
			n := startNginx(t, f, "tests/php/pages/work.php")

			withAndWithout(t, n, lasts(t, time.Second, c.share/20))
			l := &load{t: t, fpm: f, unrest: u, inBuffer: map[string]int{}, killed: map[string]bool{}}
			l.run(n, lasts(t, 10*time.Second, c.share))
			l.finish()
		})
	}
}

// seedOf is what the random numbers of a test begin with; a failure can be repeated.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed, err := strconv.ParseUint(env("TRANSMIT_SEED", strconv.FormatInt(time.Now().UnixNano(), 10)), 10, 64)
	check(t, err)
	t.Logf("TRANSMIT_SEED=%d", seed)
	return seed
}

// withAndWithout compares the page with the profiler and without, in turns.
func withAndWithout(t *testing.T, n *nginx, each time.Duration) {
	t.Helper()
	for range 2 {
		for _, path := range []string{without, with} {
			p := n.wrk(path, loadWorkers(), each)()
			for try := 0; p.served == 0 && try < 5; try++ { // on a busy machine, all workers have just begun
				p = n.wrk(path, loadWorkers(), each)()
			}
			note(t, "%s the profiler: %v", path[1:], p)
			if p.served == 0 || p.failed > 0 {
				t.Errorf("%s: %v", path, p)
			}
		}
	}
}

// load is a php-fpm under it, and what happens to that and to its listener.
type load struct {
	t          *testing.T
	fpm        *fpm
	unrest     *unrest
	inBuffer   map[string]int
	kills      int
	killed     map[string]bool // pids
	reloads    int
	nextKill   time.Time
	pause      time.Duration // until the one after it
	nextReload time.Time
	nextTake   time.Time
}

func (l *load) run(n *nginx, duration time.Duration) {
	l.t.Helper()
	loaded := n.wrk(with, loadWorkers(), duration)
	l.nextReload = time.Now().Add(duration / 4)
	for end := time.Now().Add(duration); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		l.unrest.step(l.t, l.fpm.scene)
		l.step(duration)
	}
	note(l.t, "amid it all: %v; listener %v, %d workers killed, %d reloads", loaded(), l.unrest.log, l.kills, l.reloads)
}

// step does what is due to the workers, and empties the buffer.
func (l *load) step(duration time.Duration) {
	l.t.Helper()
	due := func(next *time.Time, after time.Duration) bool {
		is := time.Now().After(*next)
		if is {
			*next = time.Now().Add(after)
		}
		return is
	}
	if due(&l.nextTake, 500*time.Millisecond) {
		add(l.inBuffer, l.fpm.scene.take(l.t))
	}
	if !due(&l.nextKill, l.pause) || !l.isReady() {
		return
	}
	l.killOne()
	if due(&l.nextReload, min(duration/3, 20*time.Second)) {
		l.reloads++
		l.fpm.signal(syscall.SIGUSR2)
	}
}

// isReady tells whether php-fpm has started, also after the last reload. Meanwhile
// it is lost with the child that it preloads in, and does not hear signals.
func (l *load) isReady() bool {
	l.t.Helper()
	return strings.Count(read(l.t, l.fpm.log), "ready to handle connections") == 1+l.reloads
}

func (l *load) killOne() {
	l.t.Helper()
	random := l.unrest.random
	l.pause = time.Duration(100+random.IntN(400)) * time.Millisecond
	workers := l.fpm.workers()
	if len(workers) == 0 {
		return
	}
	pid := workers[random.IntN(len(workers))]
	if syscall.Kill(pid, syscall.SIGKILL) == nil {
		l.kills++
		l.killed[fmt.Sprint(pid)] = true
	}
}

// finish ends everybody in good order, and then counts.
func (l *load) finish() {
	l.t.Helper()
	until(l.t, 30*time.Second, "php-fpm is ready", l.isReady)
	l.fpm.signal(syscall.SIGQUIT) // each worker ends its request, and what it has to write
	select {
	case <-l.fpm.done:
	case <-time.After(30 * time.Second):
		l.t.Error("php-fpm does not end")
	}
	atListener := l.unrest.end()
	add(l.inBuffer, l.fpm.scene.take(l.t))
	ledger := l.fpm.scene.ledger(l.t)
	note(l.t, "the profiler: %v; less the waiting for a CPU: %v", ledger.took, ledger.held)
	f := ledger.account(l.t, atListener, l.inBuffer, l.kills, l.killed)
	f.died = l.died()
	for id := range ledger.refused {
		if !ledger.late[id] {
			l.t.Errorf("%s was refused, and the disk is well", id)
		}
	}
	if f.sent == 0 || f.buffered == 0 || l.kills == 0 || l.reloads == 0 {
		l.t.Errorf("not everything happened: %+v, %d kills, %d reloads", f, l.kills, l.reloads)
	}
	if p99 := ledger.held[len(ledger.held)*99/100]; p99 > 2*promised {
		l.t.Errorf("of 100 calls one took %v", p99)
	}
	f.report(l.t)
}

var unwell = regexp.MustCompile(`PHP (?:Warning|Notice|Fatal|Parse)|profile lost`)

// The workers have no CPU for each: account tells which profiles that may be.
var notEncoded = regexp.MustCompile(`profile lost: time was up before it was encoded`)

// died is how many workers ended otherwise than they were told to.
func (l *load) died() int {
	l.t.Helper()
	died, killed := 0, 0
	for line := range strings.Lines(read(l.t, l.fpm.log)) {
		switch {
		case strings.Contains(line, "exited on signal 9"):
			killed++
		case strings.Contains(line, "exited on signal"), regexp.MustCompile(`exited with code [^0]`).MatchString(line):
			died++
			l.t.Logf("php-fpm: %s", line)
		}
	}
	if killed > l.kills {
		l.t.Errorf("%d workers were killed, %d of them by the test", killed, l.kills)
		died += killed - l.kills
	}
	if text, err := os.ReadFile(l.fpm.scene.dir + "/php.log"); err == nil && unwell.Match(notEncoded.ReplaceAll(text, nil)) {
		l.t.Errorf("PHP's log:\n%.3000s", text)
	}
	return died
}
