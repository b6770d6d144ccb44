package transmit

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"libtransmit/transmit/profile"
)

// rows of settings: want is part of the error, "" if they are taken.
var settingsRows = []struct{ name, source, want string }{
	{"none", `{}`, ""},
	{"all", `{"listener_socket":"/s","timeout_us":1,"max_datagram_size":1,"buffer_dirs":["/b","/c"],` +
		`"buffer_max_bytes":0,"buffer_max_files":0,"php_version":"8.2",` +
		`"listener":"vector","oversize":"memfd","replay":"auto","wait_for_disk":false,"buffer_links":false}`, ""},
	{"a number for a yes", `{"wait_for_disk":1}`, "wait_for_disk wants true or false, got 1"},
	{"a number for links", `{"buffer_links":0}`, "buffer_links wants true or false, got 0"},
	{"a word for a yes", `{"wait_for_disk":"true"}`, "wants true or false"},
	{"null for a yes", `{"wait_for_disk":null}`, "wants true or false"},
	{"a relative socket", `{"listener_socket":"s"}`, "wants an absolute path"},
	{"a socket below here", `{"listener_socket":"./s"}`, "wants an absolute path"},
	{"a socket with a scheme", `{"listener_socket":"unix:///run/s"}`, "without a scheme"},
	{"Telegraf's spelling", `{"listener_socket":"unixgram:///run/s"}`, "without a scheme"},
	{"an abstract socket", `{"listener_socket":"@s"}`, "or @ before it"},
	{"a path too long to connect to", `{"listener_socket":"/` + strings.Repeat("x", 200) + `"}`, ""},
	{"most", `{"timeout_us":60000000,"max_datagram_size":16777216,"buffer_max_bytes":9223372036854775807,"buffer_max_files":9223372036854775807}`, ""},
	{"not JSON", `{"timeout_us":}`, "not valid JSON"},
	{"not an object", `[]`, "not a JSON object"},
	{"unknown", `{"timeout":1}`, "timeout is not a setting"},
	{"one of two wrong", `{"timeout_us":7,"x":1}`, "x is not a setting"},
	{"anybody's socket", `{"listener_user":-1}`, ""},
	{"a user's number", `{"listener_user":4294967294}`, ""},
	{"a user's name", `{"listener_user":"root"}`, ""},
	{"no user's number", `{"listener_user":4294967295}`, "listener_user wants an integer from -1 to 4294967294"},
	{"no user's name", `{"listener_user":"nobody of this name"}`, "a name in /etc/passwd"},
	{"an empty name", `{"listener_user":""}`, "a name in /etc/passwd"},
	{"no user", `{"listener_user":null}`, "listener_user wants an integer"},
	{"no time", `{"timeout_us":0}`, "timeout_us wants an integer from 1 to 60000000, got 0"},
	{"negative", `{"timeout_us":-1}`, "got -1"},
	{"too long", `{"timeout_us":60000001}`, "got 60000001"},
	{"beyond 64 bits", `{"timeout_us":18446744073709551617}`, "timeout_us wants"},
	{"a fraction", `{"timeout_us":1.0}`, "got 1.0"},
	{"an exponent", `{"timeout_us":1e3}`, "got 1e3"},
	{"a string for a number", `{"timeout_us":"1"}`, `got "1"`},
	{"null for a number", `{"timeout_us":null}`, "got null"},
	{"a datagram of nothing", `{"max_datagram_size":0}`, "max_datagram_size wants"},
	{"too large a datagram", `{"max_datagram_size":16777217}`, "max_datagram_size wants"},
	{"more bytes than a number has", `{"buffer_max_bytes":9223372036854775808}`, "buffer_max_bytes wants an integer"},
	{"less than no files", `{"buffer_max_files":-1}`, "buffer_max_files wants"},
	{"null for a string", `{"listener_socket":null}`, "wants a string, got null"},
	{"an empty path", `{"listener_socket":""}`, "listener_socket wants a path"},
	{"a NUL in a path", `{"listener_socket":"/a\u0000b"}`, "without NUL"},
	{"no list", `{"buffer_dirs":"/b"}`, "buffer_dirs wants a list"},
	{"null for a list", `{"buffer_dirs":null}`, "buffer_dirs wants a list"},
	{"an empty list", `{"buffer_dirs":[]}`, "buffer_dirs wants a list"},
	{"null in a list", `{"buffer_dirs":[null]}`, "wants a string, got null"},
	{"a relative directory", `{"buffer_dirs":["b"]}`, "wants absolute paths"},
	{"a NUL in a directory", `{"buffer_dirs":["/a\u0000"]}`, "without NUL"},
	{"too long a version", `{"php_version":"` + strings.Repeat("8", maxPHPVersion) + `"}`, "php_version wants"},
	{"a number for a version", `{"php_version":8}`, "php_version wants a string"},
	{"no known listener", `{"listener":""}`, ""},
	{"an unknown listener", `{"listener":"Telegraf"}`, `listener wants one of "", "fluent-bit", "rsyslog", "syslog-ng", ` +
		`"telegraf", "vector", got "Telegraf"`},
	{"a number for a listener", `{"listener":1}`, "listener wants a string"},
	{"an unknown way", `{"oversize":"cut"}`, `oversize wants one of "buffer", "memfd", "shrink", got "cut"`},
	{"a boolean for a way", `{"oversize":true}`, "oversize wants a string"},
	{"an unknown replay", `{"replay":"on"}`, `replay wants one of "auto", "off", got "on"`},
	{"a boolean for a replay", `{"replay":true}`, "replay wants a string"},
}

func TestConfigure(t *testing.T) {
	for _, test := range settingsRows {
		t.Run(test.name, func(t *testing.T) {
			tx := New("/tmp")
			before := tx.settings.Load()
			err := tx.Configure([]byte(test.source))
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
			if tx.settings.Load() != before {
				t.Error("something has changed")
			}
		})
	}
}

func TestConfigure_Sets(t *testing.T) {
	tx := New("/tmp")
	err := tx.Configure([]byte(settingsRows[1].source))
	s := tx.settings.Load()
	if err != nil || s.timeout != time.Microsecond || s.listener.path != "/s" ||
		s.maxDatagram != 1 || s.oversize != toMemfd || !s.replays || s.phpVersion != `"8.2"` || s.buffer.MaxBytes != 0 || s.buffer.MaxFiles != 0 ||
		!reflect.DeepEqual(s.buffer.Dirs, []string{"/b", "/c"}) {
		t.Errorf("%+v, %v", s, err)
	}
	// A key that is left out keeps its value; an empty version is none.
	mustConfigure(t, tx, `{"php_version":""}`)
	if now := tx.settings.Load(); now.phpVersion != "" || now.listener != s.listener || now.maxDatagram != 1 {
		t.Errorf("%+v", now)
	}
}

// An explicit max_datagram_size wins, whatever the order, and also if it was set earlier.
func TestConfigure_Listener(t *testing.T) {
	for _, test := range []struct {
		name    string
		sources []string
		want    int
	}{
		{"none", nil, 65507},
		{"telegraf", []string{`{"listener":"telegraf"}`}, 65536},
		{"vector", []string{`{"listener":"vector"}`}, 102400},
		{"syslog-ng", []string{`{"listener":"syslog-ng"}`}, 65536},
		{"fluent-bit", []string{`{"listener":"fluent-bit"}`}, 32767},
		{"rsyslog", []string{`{"listener":"rsyslog"}`}, 8192},
		{"size after it", []string{`{"listener":"rsyslog","max_datagram_size":9000}`}, 9000},
		{"size before it", []string{`{"max_datagram_size":9000,"listener":"rsyslog"}`}, 9000},
		{"size in a later call", []string{`{"listener":"rsyslog"}`, `{"max_datagram_size":9000}`}, 9000},
		{"size in an earlier call", []string{`{"max_datagram_size":9000}`, `{"listener":"rsyslog"}`}, 9000},
		{"another one", []string{`{"listener":"rsyslog"}`, `{"listener":"vector"}`}, 102400},
		{"none again", []string{`{"listener":"rsyslog"}`, `{"listener":""}`}, 65507},
	} {
		t.Run(test.name, func(t *testing.T) {
			tx := New("/tmp")
			for _, source := range test.sources {
				mustConfigure(t, tx, source)
			}
			if got := tx.settings.Load().maxDatagram; got != test.want {
				t.Errorf("%d, want %d", got, test.want)
			}
		})
	}
}

func TestConfigure_TheSameAgain(t *testing.T) {
	tx := New("/tmp")
	source := []byte(settingsRows[1].source)
	mustConfigure(t, tx, string(source))
	before := tx.settings.Load()
	if got := testing.AllocsPerRun(10, func() { tx.Configure(source) }); got != 0 || tx.settings.Load() != before {
		t.Errorf("%v allocations", got)
	}
}

// What is taken stays possible, and what is refused changes nothing.
func FuzzConfigure(f *testing.F) {
	for _, row := range settingsRows {
		f.Add([]byte(row.source))
	}
	tx := New("/tmp")
	f.Fuzz(func(t *testing.T, source []byte) {
		before := tx.settings.Load()
		err := tx.Configure(source)
		s := tx.settings.Load()
		if err != nil && s != before {
			t.Errorf("%v, but something has changed", err)
		}
		known := []error{ErrInvalid, profile.ErrSyntax, profile.ErrNotObject, profile.ErrDepth, profile.ErrUTF8}
		isKnown := func() bool {
			for _, k := range known {
				if errors.Is(err, k) {
					return true
				}
			}
			return false
		}
		if err != nil && !isKnown() {
			t.Errorf("an error of no kind: %v", err)
		}
		possible := s.timeout >= time.Microsecond && s.timeout <= maxTimeout && s.maxDatagram >= 1 &&
			s.listener.path != "" && len(s.buffer.Dirs) > 0 && s.buffer.MaxBytes >= 0 && s.buffer.MaxFiles >= 0 &&
			len(s.phpVersion) <= maxPHPVersion
		if !possible {
			t.Errorf("impossible settings: %+v", s)
		}
	})
}
