package tests

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// ordinaryDrivers are so many, led to the scene.
func ordinaryDrivers(t *testing.T, s scene, n int) (drivers []*driver) {
	t.Helper()
	for range n {
		d := ordinaryDriver(t, s)
		d.configure(s.settings(nil))
		d.load([]byte(`{"id":"########"}`))
		drivers = append(drivers, d)
	}
	return drivers
}

// The file of the counters is removed several times: old and new processes count in one file again, and none loses what
// it has counted.
func TestPool_Removed(t *testing.T) {
	path := poolFile(t)
	s := newScene(t)
	drivers := ordinaryDrivers(t, s, 2)
	counted := map[*driver]int{}
	for removals := range 3 {
		for _, d := range drivers {
			d.sends(3, 0, "-")
			counted[d] += 3
		}
		check(t, os.Remove(path))
		drivers = append(drivers, ordinaryDrivers(t, s, 1)...)
		for _, d := range drivers {
			d.sends(1, 0, "-")
			counted[d]++
			d.stats()
		}
		for _, d := range drivers {
			got := d.stats()
			if got.Pool == nil || got.Pool.Processes != len(drivers) {
				t.Fatalf("after removal %d: %+v %s", removals, got.Pool, got.PoolError)
			}
			if own, _ := got.Process.calls(); own != counted[d] {
				t.Errorf("after removal %d: one process has %d calls, want %d", removals, own, counted[d])
			}
		}
	}
}

// Containers with a shared /dev/shm restart, and their processes have the same id each time.
func TestPool_Restarts(t *testing.T) {
	needRoot(t)
	poolFile(t)
	unshare := need(t, "unshare", "util-linux")
	s := newScene(t)
	check(t, os.Mkdir(s.buffer, 0o777))
	check(t, os.Chmod(s.buffer, 0o777|os.ModeSticky))
	for _, options := range [][]string{{"-pf", "--kill-child"}, {"-pf", "--kill-child", "--mount-proc"}} {
		for restart := range 6 {
			args := append(options, "setpriv", "--reuid", fmt.Sprint(nobody), "--clear-groups", program(t, "driver"))
			d := driverOf(t, s, exec.Command(unshare, args...))
			d.configure(s.settings(nil))
			d.load([]byte(`{"a":1}`))
			d.sends(2, 0, "-")
			got := d.stats()
			if got.Pool == nil || got.Pool.Processes != 1 || got.Process.Buffered+got.Process.Pending != 2 {
				t.Errorf("restart %d, %v: %+v %s", restart, options, got.Pool, got.PoolError)
			}
			if restart%2 == 0 {
				d.kill()
			} else {
				d.exit()
			}
		}
	}
}

// A host that closes all descriptors keeps its slot, in another PID namespace, too.
func TestPool_ClosedDescriptors(t *testing.T) {
	needRoot(t)
	poolFile(t)
	s := newScene(t)
	here := []string{"setpriv", "--reuid", fmt.Sprint(nobody), "--clear-groups", program(t, "driver")}
	apart := append([]string{need(t, "unshare", "util-linux"), "-pf", "--kill-child"}, here...)
	var drivers []*driver
	for _, args := range [][]string{here, apart, here} {
		d := driverOf(t, s, exec.Command(args[0], args[1:]...))
		d.configure(s.settings(nil))
		d.load([]byte(`{"id":"########"}`))
		d.sends(1, 0, "-")
		d.tell("closefrom 3")
		drivers = append(drivers, d)
	}
	for _, d := range drivers {
		if got := d.stats(); got.Pool == nil || got.Pool.Processes != 3 {
			t.Errorf("%+v %s", got.Pool, got.PoolError)
		}
	}
}

// What a process counts before it has a slot is neither lost nor counted again in a child.
func TestPool_CountsFromTheStart(t *testing.T) {
	poolFile(t)
	s := newScene(t)
	l := listen(t, s.socket)
	check(t, os.Chmod(s.socket, 0o777))
	d, other := ordinaryDriver(t, s), ordinaryDriver(t, s)
	d.load([]byte(`{"id":"########"}`))
	d.sends(3, flagTrusted|8, s.socket)
	l.await(3)
	if got := other.stats().Pool; got == nil || got.Sent != 3 || got.Shrunk != 3 || got.Connects != 1 {
		t.Errorf("%+v, want 3 sent, 3 shrunk, 1 connect", got)
	}
}

// Many processes and threads meet a wedged listener: one of them waits, once in each back-off.
func TestPool_OneWaits(t *testing.T) {
	poolFile(t)
	s := newScene(t)
	p := daemon(t, s.socket)
	check(t, os.Chmod(s.socket, 0o666))
	drivers := ordinaryDrivers(t, s, 10)
	wedge(t, p)
	fill := ordinaryDrivers(t, s, 1)[0]
	fill.sends(30, 0, "-") // the first wait
	var all sync.WaitGroup
	var mu sync.Mutex
	slow := 0
	for i, d := range drivers {
		all.Go(func() {
			if i == 0 {
				d.ask("threads 6 5")
				return
			}
			for _, a := range d.sends(5, 0, "-") {
				if a.took > 30*time.Millisecond {
					mu.Lock()
					slow++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if got := fill.stats().Pool; got == nil || got.WaitsInVain < 1 || got.WaitsInVain > 2 {
		t.Errorf("waits: %+v, want one", got)
	}
	note(t, "%d of 45 sends took over 30 ms", slow)
}

// After any number of other listeners, the next one is waited for once, by all processes together.
func TestPool_ManyListenersThatAreGone(t *testing.T) {
	poolFile(t)
	for _, listeners := range []int{70, 300} {
		s := newScene(t)
		check(t, os.Mkdir(s.buffer, 0o777))
		check(t, os.Chmod(s.buffer, 0o777|os.ModeSticky))
		bindDeaf(t, s.socket)
		check(t, os.Chmod(s.socket, 0o777))
		drivers := ordinaryDrivers(t, s, 3)
		drivers[0].sends(30, flagTrusted, s.socket) // its queue is full then
		for i := range listeners {
			path := fmt.Sprintf("%s/%d", s.dir, i)
			check(t, os.Symlink(s.socket, path))
			drivers[0].ask("send 1 %d 1000 %s", flagTrusted, path)
		}
		next := s.dir + "/next"
		check(t, os.Symlink(s.socket, next))
		before := drivers[1].stats().Pool.WaitsInVain
		drivers[1].ask("send 1 %d 0 %s", flagTrusted, next)
		drivers[2].ask("send 1 %d 0 %s", flagTrusted, next)
		if waits := drivers[1].stats().Pool.WaitsInVain - before; waits != 1 {
			t.Errorf("after %d listeners, two processes waited %d times, want once", listeners, waits)
		}
	}
}

// A file with another layout stays as it is, whatever its size; processes of this version share another file.
func TestPool_AnotherVersions(t *testing.T) {
	uid := map[bool]int{true: nobody, false: os.Geteuid()}[os.Geteuid() == 0]
	for name, text := range map[string]string{
		"shorter": "of another version", "a byte": "1", "older": "\x02\x00xt" + strings.Repeat("\x00", 300_000),
		"longer": strings.Repeat("later", 200_000),
	} {
		t.Run(name, func(t *testing.T) {
			path := poolFile(t)
			t.Cleanup(func() {
				others, _ := filepath.Glob(path + ".*")
				for _, other := range others {
					os.Remove(other)
				}
			})
			check(t, os.WriteFile(path, []byte(text), 0o600))
			check(t, os.Chown(path, uid, -1))
			for i, d := range ordinaryDrivers(t, newScene(t), 2) {
				if got := d.stats(); got.Pool == nil || got.Pool.Processes < i+1 {
					t.Errorf("%+v %s", got.Pool, got.PoolError)
				}
			}
			if read(t, path) != text {
				t.Error("the other version's file was changed")
			}
		})
	}
}

// Processes that log the same result of a listener write one line, whether they have sent before or not.
func TestPool_OneLine(t *testing.T) {
	path := poolFile(t)
	s := newScene(t)
	drivers := ordinaryDrivers(t, s, 4)
	for range 4 {
		drivers = append(drivers, ordinaryDriver(t, s))
	}
	drivers[1].configure(`{"listener_user":"root"}`) // then C has no settings to send with
	for _, result := range []int{buffered, eFull, -63, 1 << 20} {
		for _, socket := range []string{s.socket, "/run/other", "/run/another"} {
			lines := 0
			for _, d := range drivers {
				lines += d.ask("due %d %s", result, socket).result
			}
			if lines != 1 {
				t.Errorf("%d lines for %d of %s, want 1", lines, result, socket)
			}
		}
		due := func(n int) int { return drivers[n].ask("due %d", result).result }
		if due(0) != 0 || due(1) != 0 || due(7) != 1 {
			t.Errorf("transmit_log_due(%d) is not about the configured listener", result)
		}
	}
	check(t, os.Remove(path))
	check(t, os.WriteFile(path, nil, 0o644)) // not to be trusted: each process is by itself
	if d := ordinaryDriver(t, s); d.ask("due 1").result != 1 || d.ask("due 1").result != 0 {
		t.Error("without the file, a process does not bound its lines")
	}
}

// A host that has used up all pthread keys, and one whose clock was never set.
func TestHost_Keys(t *testing.T) {
	poolFile(t)
	d := ordinaryDriver(t, newScene(t))
	d.ask("keys")
	if got := d.stats(); got.Process.PID != d.pid() {
		t.Errorf("%+v", got)
	}
}

func TestHost_ClockThatWasNeverSet(t *testing.T) {
	for _, start := range []string{"0", "5", "86400", "946684800", "1000000000", "4102444800"} {
		t.Run(start, func(t *testing.T) {
			s := newScene(t)
			l := listen(t, s.socket)
			cmd := exec.Command(program(t, "driver"))
			cmd.Env = append(os.Environ(), "LD_PRELOAD="+program(t, "clock", "-shared", "-fPIC"), "CLOCK="+start)
			d := driverOf(t, s, cmd)
			d.configure(s.settings(nil))
			d.load([]byte(`{"id":"########"}`))
			d.sends(2, flagTrusted, "-")
			from, _ := strconv.ParseFloat(start, 64)
			for _, text := range l.await(2) {
				var got struct {
					Meta struct{ Timestamp float64 } `json:"_meta"`
				}
				if err := json.Unmarshal(text, &got); err != nil || got.Meta.Timestamp < from || got.Meta.Timestamp > from+100 {
					t.Errorf("%v: %s", err, strings.TrimSpace(string(text)))
				}
			}
		})
	}
}
