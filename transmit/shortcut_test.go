package transmit

import (
	"path/filepath"
	"strings"
	"testing"
)

// The shortcut is open after a success, and not after anything else.
func TestShortcut_IsThereWhenNothingIsInTheWay(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, dir := newTransmitter(t, path)
	var now *Shortcut
	tx.OnShortcut(func(s *Shortcut) { now = s })
	conn := listen(t, path)
	send := func(r Request) func() {
		r.JSON = []byte(`{"a":1}`)
		return func() { tx.Send(r) }
	}
	configure := func(settings string) func() { return func() { mustConfigure(t, tx, settings) } }
	other := filepath.Join(shortDir(t), "other")
	drain(t, listen(t, other))
	for _, step := range []struct {
		name string
		do   func()
		want bool
	}{
		{"sent", send(Request{}), true},
		{"refused", func() { tx.Send(Request{JSON: []byte(`{`)}) }, true},
		{"to the disk", send(Request{ToDisk: true}), true},
		{"other settings", configure(`{"php_version":"8.2.1"}`), false},
		{"sent elsewhere", send(Request{Socket: other}), false},
		{"sent again", send(Request{AsIs: true}), true},
		{"the same settings again", configure(`{"php_version":"8.2.1"}`), true},
		{"dead", func() { conn.Close(); send(Request{})() }, false},
		{"restarted", func() { conn = listen(t, path); send(Request{})() }, true},
		{"wedged: it waits in vain", func() { fill(t, path); send(Request{})() }, false},
		{"and does not wait", send(Request{}), false},
		{"room again", func() { receiveAll(t, conn); send(Request{})() }, true},
		{"back to where it was", configure(`{"listener_socket":"` + path + `","buffer_dirs":["` + dir + `"]}`), false},
	} {
		step.do()
		if is := now != nil; is != step.want {
			t.Fatalf("%s: open %v, want %v", step.name, is, step.want)
		}
	}
}

func receiveAll(t *testing.T, from interface{ Read([]byte) (int, error) }) {
	t.Helper()
	for range 10 {
		if _, err := from.Read(make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
}

// A listener beyond those whose sockets are kept has a socket for one send.
func TestShortcut_IsNotThereForASocketThatIsClosed(t *testing.T) {
	dir := shortDir(t)
	tx, _ := newTransmitter(t, filepath.Join(dir, "configured"))
	tx.OnShortcut(func(s *Shortcut) {
		if s != nil && !strings.HasSuffix(s.Path, "kept") {
			t.Errorf("a shortcut to %s", s.Path)
		}
	})
	for i := range maxListeners {
		mustConfigure(t, tx, `{"listener_socket":"`+filepath.Join(dir, string(rune('a'+i)))+`"}`)
	}
	path := filepath.Join(dir, "once")
	drain(t, listen(t, path))
	mustConfigure(t, tx, `{"listener_socket":"`+path+`"}`)
	for range 2 {
		if outcome, err := tx.Send(Request{JSON: []byte(`{}`)}); outcome != Sent {
			t.Fatal(outcome, err)
		}
	}
}

func TestShortcut_HasTheMetaOfSend(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, _ := newTransmitter(t, path)
	var got *Shortcut
	tx.OnShortcut(func(s *Shortcut) { got = s })
	for _, settings := range []string{`{}`, `{"php_version":"8.2.1"}`, `{"php_version":"` + strings.Repeat("\\u00e9", 10) + `"}`} {
		mustConfigure(t, tx, settings)
		tx.Send(Request{JSON: []byte(`{"a":1}`), Trusted: true})
		datagram := metaID.ReplaceAllString(receive(t, conn), `"id":"0000000000000000"`)
		before, after := `{"a":1`+string(got.BeforeTime), string(got.AfterTime)
		time := strings.TrimSuffix(strings.TrimPrefix(datagram, before), after)
		if len(time) != len("1700000000.123456") || before+time+after != datagram {
			t.Errorf("%s: %s…%s, and Send made %s", settings, before, after, datagram)
		}
	}
}
