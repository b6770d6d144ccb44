package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// receiver is a listener daemon that can be killed without losing what the kernel
// had taken for it: the test has its socket, too, and empties it then.
type receiver struct {
	t       *testing.T
	scene   scene
	socket  int // bound to the scene's path; the daemon's descriptor 3
	record  string
	process *process
}

// receive starts a receiver, which replaces the program that was bound to the path.
func receive(t *testing.T, s scene, number int) *receiver {
	t.Helper()
	r := &receiver{t: t, scene: s, record: fmt.Sprintf("%s/record.%d", s.dir, number)}
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	check(t, err)
	r.socket = socket
	os.Remove(s.socket)
	check(t, syscall.Bind(socket, &syscall.SockaddrUnix{Name: s.socket}))
	check(t, os.Chmod(s.socket, 0o777))
	copied, err := syscall.Dup(socket)
	check(t, err)
	inherited := os.NewFile(uintptr(copied), "socket")
	defer inherited.Close()
	cmd := exec.Command(program(t, "receiver"), r.record)
	cmd.ExtraFiles = []*os.File{inherited}
	r.process = start(t, time.Minute+lasts(t, time.Minute, 1), cmd)
	r.process.line() // ready
	return r
}

// end takes no more, lets the daemon take what is queued if it lives, and returns
// the ids that it and the queue had.
func (r *receiver) end() map[string]int {
	r.t.Helper()
	// Who sends from now on is refused: EPIPE, and ECONNREFUSED once it is closed.
	check(r.t, syscall.Shutdown(r.socket, syscall.SHUT_RD))
	r.process.signalGroup(syscall.SIGCONT)
	<-r.process.done
	found := map[string]int{}
	text, err := os.ReadFile(r.record)
	check(r.t, err)
	lines := strings.Split(string(text), "\n")
	recorded := lines[:len(lines)-1] // a last one without its end was not written whole
	for _, id := range recorded {
		found[id]++
	}
	check(r.t, os.Remove(r.record))
	for n, datagram := range r.drain() {
		for id := range ids(r.t, datagram) {
			// It was killed between the record and the queue.
			if n > 0 || len(recorded) == 0 || id != recorded[len(recorded)-1] {
				found[id]++
			}
		}
	}
	check(r.t, syscall.Close(r.socket))
	return found
}

// kill kills the daemon, and then is end.
func (r *receiver) kill() map[string]int {
	r.t.Helper()
	r.process.kill()
	return r.end()
}

// drain is what is left in the queue.
func (r *receiver) drain() [][]byte {
	var all [][]byte
	room := make([]byte, 1<<20)
	for {
		n, _, err := syscall.Recvfrom(r.socket, room, syscall.MSG_DONTWAIT)
		if err != nil || n == 0 {
			return all
		}
		datagram := bytes.Clone(room[:n])
		if !json.Valid(datagram) {
			r.t.Errorf("the datagram is not one JSON document: %.200q", datagram)
		}
		all = append(all, datagram)
	}
}

// unrest makes a listener's life: it is killed, restarted, stopped, continued and
// replaced while it is stopped, at random.
type unrest struct {
	random   *rand.Rand
	now      *receiver // nil: dead
	stopped  bool
	until    time.Time // when its state changes
	number   int
	received map[string]int
	log      map[string]int // what happened, how often
}

func newUnrest(t *testing.T, s scene, random *rand.Rand) *unrest {
	t.Helper()
	return &unrest{random: random, now: receive(t, s, 0), received: map[string]int{}, log: map[string]int{}}
}

// step does what is due.
func (u *unrest) step(t *testing.T, s scene) {
	t.Helper()
	if time.Now().Before(u.until) {
		return
	}
	between := func(least, most time.Duration) {
		u.until = time.Now().Add(least + time.Duration(u.random.Int64N(int64(most-least))))
	}
	switch dice := u.random.IntN(10); {
	case u.now == nil:
		u.did("restarted")
		u.number++
		u.now = receive(t, s, u.number)
		between(50*time.Millisecond, 600*time.Millisecond)
	case u.stopped && dice < 3:
		u.did("replaced")
		old := u.now
		u.number++
		u.now, u.stopped = receive(t, s, u.number), false
		add(u.received, old.end())
		between(50*time.Millisecond, 600*time.Millisecond)
	case u.stopped:
		u.did("continued")
		u.now.process.signal(syscall.SIGCONT)
		u.stopped = false
		between(50*time.Millisecond, 600*time.Millisecond)
	case dice < 5:
		u.did("killed")
		add(u.received, u.now.kill())
		u.now = nil
		between(20*time.Millisecond, 500*time.Millisecond)
	default:
		u.did("stopped")
		u.now.process.signal(syscall.SIGSTOP)
		u.stopped = true
		between(20*time.Millisecond, 1500*time.Millisecond)
	}
}

func (u *unrest) did(what string) { u.log[what]++ }

// end ends the listener that is left, and returns all that were received.
func (u *unrest) end() map[string]int {
	if u.now != nil {
		add(u.received, u.now.end())
		u.now = nil
	}
	return u.received
}

// add adds one count of ids to another.
func add(to, more map[string]int) {
	for id, n := range more {
		to[id] += n
	}
}
