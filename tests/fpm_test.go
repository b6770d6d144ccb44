package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// serverLimit is when a server of a test is killed, whatever hangs.
const serverLimit = 5 * time.Minute

// fpm is a php-fpm.
type fpm struct {
	*process
	t     *testing.T
	scene scene
	log   string
}

// recipe is a way to run it.
type recipe struct {
	name   string
	ini    []string
	asRoot bool // the master's user; the workers' is nobody in any case
	native bool // whether the library can be used
}

// The ways that README describes, and the default that remains without preloading.
var recipes = []recipe{
	{"preload, as root", preloading, true, true},
	{"preload, as an ordinary user", preloading, false, true},
	{"ffi.enable=true, as root", []string{"ffi.enable=true"}, true, true},
	{"ffi.enable=true, as an ordinary user", []string{"ffi.enable=true"}, false, true},
	{"FFI restricted: plain PHP", []string{"ffi.enable=preload"}, true, false},
}

var preloading = []string{"ffi.enable=preload", "ffi.preload=STAGE/build/transmit_ffi.h",
	"opcache.enable=1", "opcache.preload=STAGE/php/preload.php", "opcache.preload_user=nobody"}

// startFPM starts one with two workers; more are lines of php.ini.
func startFPM(t *testing.T, s scene, r recipe, more ...string) *fpm {
	t.Helper()
	return startPool(t, s, r, "pm.max_children=2", more...)
}

// startPool starts one with these lines of the pool's configuration.
func startPool(t *testing.T, s scene, r recipe, pool string, more ...string) *fpm {
	t.Helper()
	if r.asRoot {
		needRoot(t)
	}
	binary := need(t, "php-fpm[78]*", "php-fpm")
	f := &fpm{t: t, scene: s, log: s.dir + "/fpm.log"}
	users := ""
	if r.asRoot {
		users = "user=nobody\ngroup=nogroup\nlisten.mode=0666\n"
	}
	// Graceful means that the workers are given the time.
	conf := s.write(t, "fpm.conf", "[global]\ndaemonize=no\nlog_level=notice\nprocess_control_timeout=20\nerror_log="+f.log+
		"\n[www]\nclear_env=no\npm=static\n"+users+pool+"\nlisten="+s.dir+"/f\n")
	ini := s.write(t, "php.ini", strings.ReplaceAll(strings.Join(append(more, r.ini...), "\n"), "STAGE", stage)+
		"\nerror_reporting=-1\nlog_errors=1\ndisplay_errors=1\nhtml_errors=0\nmemory_limit=64M\nerror_log="+s.dir+"/php.log\n")
	cmd := exec.Command(binary, "-y", conf, "-c", ini)
	if r.asRoot {
		cmd.Args = append(cmd.Args, "-R")
	} else if os.Geteuid() == 0 {
		cmd = as(uidOf(t, "nobody"), cmd)
	}
	cmd.Env = append(os.Environ(), s.environment()...)
	f.process = start(t, serverLimit+lasts(t, 0, 1), cmd)
	until(t, 30*time.Second, "php-fpm listens", func() bool {
		text, _ := os.ReadFile(f.log)
		return strings.Contains(string(text), "ready to handle connections") || ended(f.process)
	})
	if ended(f.process) {
		t.Fatalf("php-fpm: %v %s", f.cmd.ProcessState, read(t, f.log))
	}
	return f
}

// environment leads php/scripts/config.php to the scene.
func (s scene) environment() []string {
	// Plain PHP keeps its log stamps where temporary files go.
	return []string{"TEST_SOCKET=" + s.socket, "TEST_BUFFER=" + s.buffer, "TEST_LEDGER=" + s.dir + "/ledger", "TMPDIR=" + s.dir}
}

func (f *fpm) fetch(script, id string) (page, error) {
	return fetch(f.scene.dir+"/f", map[string]string{
		"SCRIPT_FILENAME":       stage + "/tests/php/pages/" + script,
		"SCRIPT_NAME":           "/" + script,
		"REQUEST_URI":           "/" + script + "?secret",
		"REQUEST_METHOD":        "GET",
		"SERVER_PROTOCOL":       "HTTP/1.1",
		"HTTP_X_CORRELATION_ID": id,
	})
}

// fetchAll fetches a page many times, by as many clients as there are workers.
func (f *fpm) fetchAll(script string, from, to int) {
	f.t.Helper()
	numbers := make(chan int)
	var clients sync.WaitGroup
	for range 2 {
		clients.Go(func() {
			for n := range numbers {
				if p, err := f.fetch(script, fmt.Sprintf("r%d", n)); err != nil || !strings.Contains(p.text, "fibonacci 144") {
					f.t.Errorf("request %d: %v %q", n, err, p.text)
				}
			}
		})
	}
	for n := from; n < to; n++ {
		numbers <- n
	}
	close(numbers)
	clients.Wait()
}

// workers are the pids of the master's children.
func (f *fpm) workers() []int {
	f.t.Helper()
	text := read(f.t, fmt.Sprintf("/proc/%d/task/%d/children", f.pid(), f.pid()))
	var pids []int
	for _, word := range strings.Fields(text) {
		pid, err := strconv.Atoi(word)
		check(f.t, err)
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

func prepend() string { return "auto_prepend_file=" + stage + "/tests/php/scripts/prepend.php" }

// In php-fpm with the preload recipe, 2 workers and 1,000 requests: every profile is at the listener or on the disk, no
// worker hung or died, and the master has one thread.
func TestFPM_EveryProfileIsSomewhere(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	f := startFPM(t, s, recipes[0], prepend())
	t.Cleanup(func() {
		if t.Failed() {
			text, _ := os.ReadFile(s.dir + "/php.log")
			t.Logf("%d datagrams, %d files; PHP's log:\n%s", len(l.all()), len(s.profiles(t)), text)
		}
	})
	workers := f.workers()
	if len(workers) != 2 {
		t.Fatalf("workers: %v", workers)
	}

	f.fetchAll("work.php", 0, 400)
	until(t, 5*time.Second, "400 profiles", func() bool { return len(l.all()) == 400 })
	l.close() // and nobody is there
	f.fetchAll("work.php", 400, 700)
	until(t, 5*time.Second, "300 files", func() bool { return len(s.profiles(t)) == 300 })
	second := listen(t, s.socket)
	f.fetchAll("work.php", 700, 1000)
	until(t, 5*time.Second, "300 more profiles", func() bool { return len(second.all()) >= 300 })

	atListener := ids(t, slices.Concat(l.all(), second.all())...)
	asked := make([]string, 1000)
	for n := range asked {
		asked[n] = fmt.Sprintf("r%d", n)
	}
	counted := account(t, asked, atListener, ids(t, s.profiles(t)...), nil)
	if now := f.workers(); !slices.Equal(now, workers) {
		t.Errorf("the workers were %v and are %v", workers, now)
	}
	if n := len(threads(t, f.pid())); n != 1 {
		t.Errorf("the master has %d threads", n)
	}
	for _, pid := range workers {
		if n := len(threads(t, pid)); n < 3 {
			t.Errorf("worker %d has %d threads: it has not used the library", pid, n)
		}
	}
	if log := read(t, f.log); strings.Contains(log, "exited") || strings.Contains(log, "WARNING") {
		t.Errorf("php-fpm's log:\n%s", log)
	}
	counted.report(t)
}

func TestFPM_Recipes(t *testing.T) {
	for _, r := range recipes {
		t.Run(r.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			f := startFPM(t, s, r, prepend())
			f.fetchAll("work.php", 0, 20)
			eachOnce(t, ids(t, l.await(20)...), 20)
			native := false
			for _, pid := range f.workers() {
				native = native || countsInMemory(t, pid)
			}
			if native != r.native {
				t.Errorf("the library is used: %v, want %v", native, r.native)
			}
			if log, err := os.ReadFile(s.dir + "/php.log"); err == nil {
				t.Errorf("PHP's log:\n%s", log)
			}
		})
	}
}

// countsInMemory tells whether a process has joined the counters of the library, as its first send does.
func countsInMemory(t *testing.T, pid int) bool {
	t.Helper()
	return strings.Contains(read(t, fmt.Sprintf("/proc/%d/maps", pid)), "/dev/shm/libtransmit-")
}

// A page is the same with the profiler and without, byte for byte.
func TestFPM_PagesStayAsTheyAre(t *testing.T) {
	scripts, err := filepath.Glob(stage + "/tests/php/pages/*.php")
	check(t, err)
	for _, r := range []recipe{recipes[0], recipes[2], recipes[4]} {
		t.Run(r.name, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			with := startFPM(t, s, r, prepend())
			without := startFPM(t, newScene(t), recipe{"", nil, true, false})
			fetched := 0
			for _, script := range scripts {
				name := filepath.Base(script)
				if name == "large.php" || name == "hostile.php" { // they send by themselves
					continue
				}
				fetched++
				got, err := with.fetch(name, "page-"+name)
				check(t, err)
				want, err := without.fetch(name, "page-"+name)
				check(t, err)
				if got.text != want.text || want.text == "" {
					t.Errorf("%s: the page is\n%s\nwithout the profiler it is\n%s", name, got.text, want.text)
				}
			}
			eachOnce(t, ids(t, l.await(fetched)...), fetched)
		})
	}
}

// Workers that are killed while they write leave only whole files.
func TestFPM_KilledWorkers(t *testing.T) {
	for _, r := range []recipe{recipes[0], recipes[4]} {
		t.Run(r.name, func(t *testing.T) {
			s := newScene(t)
			t.Setenv("TEST_SETTINGS", `{"timeout_us":2000000}`) // new workers on a busy machine: it is not speed that is on trial
			f := startFPM(t, s, r)
			done := make(chan struct{})
			var clients sync.WaitGroup
			for client := range 2 {
				clients.Go(func() {
					for n := 0; ; n++ {
						select {
						case <-done:
							return
						default:
							f.fetch("large.php", fmt.Sprintf("%d-%d", client, n)) // may well fail
						}
					}
				})
			}
			written := func() int {
				found, err := filepath.Glob(s.buffer + "/profile_*")
				check(t, err)
				return len(found)
			}
			for round := 0; round < 25 || round < 100 && written() < 10; round++ {
				// On a busy machine, a request takes longer than they live at first.
				time.Sleep(time.Duration((20+12*(round%25))*(1+round/25)) * time.Millisecond)
				for _, pid := range f.workers() {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			close(done)
			clients.Wait()
			all := s.profiles(t) // wants each to be whole
			for _, text := range all {
				if len(text) < 2_000_000 {
					t.Errorf("a file has %d bytes", len(text))
				}
			}
			t.Logf("%d whole files", len(all))
			if len(all) < 10 {
				t.Errorf("only %d files", len(all))
			}
			found := ids(t, all...)
			eachOnce(t, found, len(found))
			figures{buffered: len(found)}.report(t)
		})
	}
}
