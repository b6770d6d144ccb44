package transmit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goccy/go-json"

	"libtransmit/buffer"
	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// ErrInvalid means an unknown setting, a wrong type or an impossible value. The text names the setting, the values that
// it takes, and the value that was given.
var ErrInvalid = errors.New("invalid argument")

const (
	defaultSocket = "/var/run/bitville-apm/listener.sock"

	maxTimeout    = 60 * time.Second
	maxDatagram   = 16 << 20
	maxPHPVersion = 64 // bytes of JSON
)

// settings are immutable: Configure stores a new value.
type settings struct {
	source      []byte // the JSON of the last Configure
	listener    *listener
	timeout     time.Duration
	datagram    datagramLimit
	maxDatagram int // datagram.bytes(), which every call needs
	oversize    oversize
	replays     bool   // the setting replay is "auto"
	phpVersion  string // JSON; "" for none
	buffer      buffer.Options

	waitsForDisk bool
}

func defaultSettings(temp string, known *listeners) *settings {
	return &settings{
		listener:    newListener(peer{path: defaultSocket}, known.backoffChanged),
		timeout:     50 * time.Millisecond,
		maxDatagram: datagramLimit{}.bytes(),

		waitsForDisk: true,
		buffer: buffer.Options{
			Dirs:     buffer.SystemDirs(temp),
			MaxBytes: 1 << 30,
			MaxFiles: 100_000,
		},
	}
}

// bufferFor returns the buffer of the profiles for the listener at path; "" is the configured listener.
func (s *settings) bufferFor(path string) buffer.Options {
	options := s.buffer
	options.Listener = cmp.Or(strings.Clone(path), s.listener.path)
	return options
}

// Configure changes the settings that the JSON object source names. Omitted keys keep their values. After an error
// (ErrInvalid, or one of a document that Send refuses) nothing has changed. Configuring the same source again costs one
// comparison.
func (t *Transmitter) Configure(source []byte) error {
	_, err := t.configured(source)
	return err
}

// configured configures source, and returns the settings then. Another thread may configure others at any time.
func (t *Transmitter) configured(source []byte) (*settings, error) {
	t.configure.Lock()
	defer t.configure.Unlock()
	old := t.settings.Load()
	if bytes.Equal(source, old.source) {
		return old, nil
	}
	t.writer.countGarbage()
	changed := *old
	changed.source = bytes.Clone(source)
	if err := changed.apply(changed.source, &t.listeners); err != nil {
		return nil, err
	}
	t.settings.Store(&changed)
	t.updateWantsSends()
	if t.publishTarget != nil {
		t.publishTarget(changed.target(t.known.number(&changed)))
	}
	return &changed, nil
}

func (s *settings) apply(source []byte, known *listeners) error {
	if _, err := profile.Check(source, profile.Limit{At: time.Now().Add(maxTimeout), Passed: passed}); err != nil {
		return err
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(source, &values); err != nil {
		return fmt.Errorf("%w: settings: %w", ErrInvalid, err)
	}
	for key, value := range values {
		if err := s.set(key, value, known); err != nil {
			return fmt.Errorf("%w: %s %w", ErrInvalid, key, err)
		}
	}
	s.maxDatagram = s.datagram.bytes()
	return nil
}

// set changes one setting. The caller puts the setting's name before the error.
func (s *settings) set(key string, value json.RawMessage, known *listeners) (err error) {
	var n int64
	switch key {
	case "listener_socket":
		var path string
		if path, err = asPath(value); err == nil {
			err = CheckSocketPath(path)
		}
		if err == nil {
			s.listener = known.find(path, s.listener)
		}
	case "listener_user":
		var owner socket.Owner
		if owner, err = asUser(value); err == nil {
			s.listener = known.get(peer{s.listener.path, owner})
		}
	case "timeout_us":
		n, err = asInteger(value, 1, maxTimeout.Microseconds())
		s.timeout = time.Duration(n) * time.Microsecond
	case "max_datagram_size":
		n, err = asInteger(value, 1, maxDatagram)
		s.datagram.explicit = int(n)
	case "listener":
		s.datagram.preset, err = asChoice(value, listenersLimits)
	case "oversize":
		s.oversize, err = asChoice(value, oversizeWords)
	case "replay":
		s.replays, err = asChoice(value, map[string]bool{"off": false, "auto": true})
	case "wait_for_disk":
		s.waitsForDisk, err = asBool(value)
	case "buffer_dirs":
		s.buffer.Dirs, err = asDirectories(value)
	case "buffer_links":
		var links bool
		links, err = asBool(value)
		s.buffer.NoLinks = !links
	case "buffer_max_bytes":
		s.buffer.MaxBytes, err = asLimit(value)
	case "buffer_max_files":
		s.buffer.MaxFiles, err = asLimit(value)
	case "php_version":
		s.phpVersion, err = asVersion(value)
	default:
		err = errors.New("is not a setting")
	}
	return err
}
