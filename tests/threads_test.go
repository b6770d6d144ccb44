package tests

import (
	"fmt"
	"maps"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// retire is a listener's end as a daemon makes it that leaves nothing unread: senders
// turn away from it, and it reads what it has.
func (l *listener) retire() {
	l.t.Helper()
	raw, err := l.conn.SyscallConn()
	check(l.t, err)
	waiting := int32(0)
	check(l.t, raw.Control(func(fd uintptr) { err = syscall.Shutdown(int(fd), syscall.SHUT_RD) }))
	check(l.t, err)
	until(l.t, 10*time.Second, "an empty queue", func() bool {
		check(l.t, raw.Control(func(fd uintptr) {
			_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, fd, syscall.TIOCINQ, uintptr(unsafe.Pointer(&waiting)))
			if errno != 0 {
				err = errno
			}
		}))
		check(l.t, err)
		return waiting == 0
	})
	l.close()
}

// Sixteen threads send at once: nothing is lost, whatever the listener does.
func TestThreads_SendAtOnce(t *testing.T) {
	const count, each = 16, 400
	for _, c := range []struct {
		name     string
		restarts func(t *testing.T, s scene, stop chan struct{}) map[string]int
	}{
		{"alive", func(t *testing.T, s scene, stop chan struct{}) map[string]int {
			l := listen(t, s.socket)
			<-stop
			l.retire()
			return ids(t, l.all()...)
		}},
		{"absent", func(*testing.T, scene, chan struct{}) map[string]int { return nil }},
		{"restarted", restarted},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t)
			s.buffer = inMemory(t)
			stop := make(chan struct{})
			var atListener map[string]int
			var daemons sync.WaitGroup
			daemons.Go(func() { atListener = c.restarts(t, s, stop) })
			d := startDriver(t, s)
			d.load(padded(500))
			a := d.ask("threads %d %d", count, each)
			d.settle()
			close(stop)
			daemons.Wait()
			sentNow, err := strconv.Atoi(a.text)
			check(t, err)
			if a.result != 0 || sentNow != len(atListener) || c.name != "absent" && sentNow == 0 {
				t.Errorf("%d refused, %d sent, %d arrived", a.result, sentNow, len(atListener))
			}
			all := make([]string, count*each)
			for i := range all {
				all[i] = fmt.Sprintf("%08d", i)
			}
			account(t, all, atListener, ids(t, s.profiles(t)...), nil).report(t)
		})
	}
}

// restarted is a listener that is replaced, or away for a moment, all the time.
func restarted(t *testing.T, s scene, stop chan struct{}) map[string]int {
	got := map[string]int{}
	for round := 0; ; round++ {
		l := listen(t, s.socket)
		select {
		case <-stop:
			l.retire()
			maps.Copy(got, ids(t, l.all()...))
			return got
		case <-time.After(20 * time.Millisecond):
		}
		l.retire()
		maps.Copy(got, ids(t, l.all()...))
		if round%2 == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}
}
