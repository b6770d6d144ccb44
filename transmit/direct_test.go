package transmit

import (
	"path/filepath"
	"strings"
	"testing"
)

// Send is wanted during a back-off, which ends with its next success, and not after any other failure.
func TestWanted_DuringABackOff(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	tx, _ := newTransmitter(t, path)
	wanted := false
	tx.OnWantsSends(func(is bool) { wanted = is })
	conn := listen(t, path)
	other := filepath.Join(shortDir(t), "other")
	drain(t, listen(t, other))
	send := func(r SendRequest) func() {
		r.JSON = []byte(`{"a":1}`)
		return func() { tx.Send(r) }
	}
	for _, step := range []struct {
		name string
		do   func()
		want bool
	}{
		{"sent", send(SendRequest{}), false},
		{"refused", func() { tx.Send(SendRequest{JSON: []byte(`{`)}) }, false},
		{"dead", func() { conn.Close(); send(SendRequest{})() }, false},
		{"restarted", func() { conn = listen(t, path); send(SendRequest{})() }, false},
		{"wedged: a wait times out", func() { fill(t, path); send(SendRequest{})() }, true},
		{"in the back-off", send(SendRequest{}), true},
		{"sent elsewhere", send(SendRequest{Socket: other}), true},
		{"other settings", func() { mustConfigure(t, tx, `{"php_version":"8.2.1"}`) }, true},
		{"room again", func() { receiveAll(t, conn); send(SendRequest{})() }, false},
	} {
		step.do()
		if wanted != step.want {
			t.Fatalf("%s: wanted %v, want %v", step.name, wanted, step.want)
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

// A document with a target's meta in it is the one that Send makes.
func TestTarget_HasTheMetaOfSend(t *testing.T) {
	path := filepath.Join(shortDir(t), "l")
	conn := listen(t, path)
	tx, _ := newTransmitter(t, path)
	var got *Target
	tx.OnTarget(func(target *Target) { got = target })
	for _, settings := range []string{`{"timeout_us":49000}`, `{"php_version":"8.2.1"}`, `{"php_version":"` + strings.Repeat("\\u00e9", 10) + `","max_datagram_size":1000}`} {
		mustConfigure(t, tx, settings)
		tx.Send(SendRequest{JSON: []byte(`{"a":1}`), Trusted: true})
		want := `{"a":1,"_meta":{"timestamp":T` + got.Meta + `,"transmitter_version":"1.0","id":"I"}}`
		if datagram := metaID.ReplaceAllString(withoutTime(t, receive(t, conn)), `"id":"I"`); datagram != want {
			t.Errorf("%s: Send made %s, want %s", settings, datagram, want)
		}
	}
	if got.Path != path || got.MaxDatagram != 1000 {
		t.Errorf("%+v", got)
	}
}
