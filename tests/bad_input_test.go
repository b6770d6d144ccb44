package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// badDocuments have the result of each.
var badDocuments = []struct {
	name, document string
	want           int
}{
	{"empty", "", eEmpty},
	{"white space", " \n", eSyntax},
	{"cut off", `{"a":1`, eSyntax},
	{"something after", `{"a":1}x`, eSyntax},
	{"two documents", `{}{}`, eSyntax},
	{"comma at the end", `{"a":1,}`, eSyntax},
	{"single quotes", `{'a':1}`, eSyntax},
	{"number", `{"a":01}`, eSyntax},
	{"NaN", `{"a":NaN}`, eSyntax},
	{"escape", `{"a":"\x"}`, eSyntax},
	{"control character", "{\"a\":\"\n\"}", eSyntax},
	{"NUL", "{\"a\":1}\x00", eSyntax},
	{"byte order mark", "\ufeff{}", eSyntax},
	{"list", `[1]`, eNotObject},
	{"string", `"a"`, eNotObject},
	{"number alone", `1`, eNotObject},
	{"null", `null`, eNotObject},
	{"513 levels", nested(513), eDepth},
	{"a million levels", strings.Repeat(`{"a":`, 1_000_000), eDepth},
	{"UTF-8", "{\"a\":\"\xff\"}", eUTF8},
	{"UTF-8 cut off", "{\"a\":\"\xc3\"}", eUTF8},
	{"UTF-8 surrogate", "{\"a\":\"\xed\xa0\x80\"}", eUTF8},
	{"UTF-8 in a name", "{\"\xc0\x80\":1}", eUTF8},
}

// nested has so many levels; the object is the first.
func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

// Bad input of every kind has a result of its own, and nothing is sent or written.
func TestBadInput(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	for _, c := range badDocuments {
		t.Run(c.name, func(t *testing.T) {
			d.load([]byte(c.document))
			for verb, want := range map[string]int{"plain": c.want, "configure": c.want} {
				if verb == "configure" && len(c.document) > maxSettings {
					want = eInval
				}
				if a := d.ask("%s", verb); a.result != want || a.text == "" {
					t.Errorf("%s: %+v, want result %d and a text", verb, a, want)
				}
			}
		})
	}
	sendsNext(t, s, l, d, nested(512))
}

// sendsNext fails unless a good document is sent, alone, and nothing is on the disk.
func sendsNext(t *testing.T, s scene, l *listener, d *driver, document string) {
	t.Helper()
	if a := d.send([]byte(document)); a.result != sent || a.text != "" {
		t.Errorf("a good one: %+v", a)
	}
	l.await(1)
	if len(s.profiles(t)) != 0 {
		t.Error("something was written")
	}
}

func TestBadInput_Arguments(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	for _, c := range []struct {
		name, prepare, call string
		want                int
	}{
		{"NULL", "null", "plain", eNull},
		{"NULL settings", "null", "configure", eNull},
		{"one byte over 64 MiB", "length 67108865", "plain", eTooBig},
		{"SIZE_MAX", "length 18446744073709551615", "plain", eTooBig},
		{"length 0", "length 0", "plain", eEmpty},
		{"unknown flag", "", "send 1 32 0 -", eInval},
		{"every flag", "", "send 1 4294967295 0 -", eInval},
		{"a scheme", "", "send 1 0 0 unix:///run/s", eInval},
		{"an abstract socket", "", "send 1 2 0 @s", eInval},
		{"a relative path", "", "send 1 2 0 s", eInval},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.load([]byte(`{"id":"1"}`))
			if c.prepare != "" {
				d.tell("%s", c.prepare)
			}
			if a := d.ask("%s", c.call); a.result != c.want || a.text == "" {
				t.Errorf("%+v, want result %d and a text", a, c.want)
			}
		})
	}
	sendsNext(t, s, l, d, `{"id":"1"}`)
}

// maxSettings is the limit of transmit_configure, in bytes.
const maxSettings = 64 << 10

// Go's parser has no deadline, so the length of settings is limited.
func TestConfigure_Length(t *testing.T) {
	d := startDriver(t, newScene(t))
	for _, c := range []struct{ size, want int }{{maxSettings - 1, 0}, {maxSettings, 0}, {maxSettings + 1, eInval}, {60 << 20, eInval}} {
		d.load([]byte("{" + strings.Repeat(" ", c.size-2) + "}"))
		a := d.ask("configure")
		if a.result != c.want || (c.want == eInval) != strings.Contains(a.text, "64 KiB") || a.took > 50*time.Millisecond {
			t.Errorf("%d bytes: %+v, want %d", c.size, a, c.want)
		}
	}
}

func TestConfigure_ChangesNothingWhenItRefuses(t *testing.T) {
	s := newScene(t)
	l := listen(t, s.socket)
	d := startDriver(t, s)
	for _, c := range []struct{ name, wrong, names string }{
		{"unknown key", `"nope":1`, "nope"},
		{"wrong type", `"timeout_us":"50000"`, "timeout_us"},
		{"a float", `"timeout_us":1.5`, "timeout_us"},
		{"null", `"buffer_dirs":null`, "buffer_dirs"},
		{"an empty list", `"buffer_dirs":[]`, "buffer_dirs"},
		{"a list of numbers", `"buffer_dirs":[1]`, "buffer_dirs"},
		{"a relative path", `"buffer_dirs":["b"]`, "buffer_dirs"},
		{"no path", `"listener_socket":""`, "listener_socket"},
		{"a scheme", `"listener_socket":"unixgram:///run/s"`, "without a scheme"},
		{"an abstract socket", `"listener_socket":"@s"`, "absolute path"},
		{"NUL in a path", `"listener_socket":"/a\u0000b"`, "listener_socket"},
		{"timeout 0", `"timeout_us":0`, "timeout_us"},
		{"timeout over a minute", `"timeout_us":60000001`, "timeout_us"},
		{"datagram 0", `"max_datagram_size":0`, "max_datagram_size"},
		{"datagram over 16 MiB", `"max_datagram_size":16777217`, "max_datagram_size"},
		{"less than no files", `"buffer_max_files":-1`, "buffer_max_files"},
		{"less than no bytes", `"buffer_max_bytes":-1`, "buffer_max_bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d.load(fmt.Appendf(nil, `{"listener_socket":"/nowhere","buffer_dirs":["/nowhere"],%s}`, c.wrong))
			if a := d.ask("configure"); a.result != eInval || !strings.Contains(a.text, c.names) {
				t.Errorf("%+v, want result %d and a text that names %s", a, eInval, c.names)
			}
		})
	}
	if a := d.send([]byte(`{"id":"1"}`)); a.result != sent {
		t.Errorf("afterwards: %+v", a)
	}
	l.await(1)
}
