package transmit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-json"

	"libtransmit/buffer"
	socket "libtransmit/transmit/listener"
	"libtransmit/transmit/profile"
)

// ErrInvalid is an unknown setting, a wrong type or an impossible value. Its
// text names the setting, what it wants, and what it got.
var ErrInvalid = errors.New("invalid argument")

const (
	defaultSocket = "/var/run/bitville-apm/listener.sock"

	maxTimeout    = 60 * time.Second
	maxDatagram   = 16 << 20
	maxPHPVersion = 64 // bytes of JSON
	maxSize       = 1 << 62
)

// settings never change: Configure replaces them.
type settings struct {
	source      []byte // what they were made of last
	listener    *listener
	timeout     time.Duration
	datagram    datagram
	maxDatagram int // datagram's, as it is asked for often
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
		maxDatagram: datagram{}.max(),

		waitsForDisk: true,
		buffer: buffer.Options{
			Dirs:     buffer.SystemDirs(temp),
			MaxBytes: 1 << 30,
			MaxFiles: 100_000,
		},
	}
}

// bufferFor is where profiles for the listener at path are kept; "" for the configured one.
func (s *settings) bufferFor(path string) buffer.Options {
	options := s.buffer
	options.Listener = cmp.Or(strings.Clone(path), s.listener.path)
	return options
}

// Configure changes the settings that the JSON object source names; the other
// ones keep their values. It returns the timeout that holds from now on. After
// an error (ErrInvalid, or one of a document that Send refuses) nothing has
// changed. To configure the same again costs a comparison.
func (t *Transmitter) Configure(source []byte) (timeout time.Duration, err error) {
	t.configure.Lock()
	defer t.configure.Unlock()
	old := t.settings.Load()
	if bytes.Equal(source, old.source) {
		return old.timeout, nil
	}
	t.writer.countGarbage()
	changed := *old
	changed.source = bytes.Clone(source)
	if err := changed.apply(changed.source, &t.listeners); err != nil {
		return 0, err
	}
	t.settings.Store(&changed)
	t.updateWanted()
	if t.publishTarget != nil {
		t.publishTarget(changed.target())
	}
	return changed.timeout, nil
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
	s.maxDatagram = s.datagram.max()
	return nil
}

// set sets one value. The error goes on after the setting's name.
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
		s.replays, err = asChoice(value, replayWords)
	case "wait_for_disk":
		s.waitsForDisk, err = asBool(value)
	case "buffer_dirs":
		s.buffer.Dirs, err = asDirectories(value)
	case "buffer_links":
		var links bool
		links, err = asBool(value)
		s.buffer.NoLinks = !links
	case "buffer_max_bytes":
		s.buffer.MaxBytes, err = asInteger(value, 0, maxSize)
	case "buffer_max_files":
		s.buffer.MaxFiles, err = asInteger(value, 0, maxSize)
	case "php_version":
		s.phpVersion, err = asVersion(value)
	default:
		err = errors.New("is not a setting")
	}
	return err
}

func asInteger(value json.RawMessage, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("wants an integer from %d to %d, got %.40s", least, most, value)
	}
	return n, nil
}

func asBool(value json.RawMessage) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("wants true or false, got %.40s", value)
}

func asString(value json.RawMessage) (text string, err error) {
	if !bytes.HasPrefix(value, []byte{'"'}) {
		return "", fmt.Errorf("wants a string, got %.40s", value)
	}
	err = json.Unmarshal(value, &text)
	return text, err
}

func asPath(value json.RawMessage) (string, error) {
	path, err := asString(value)
	if err == nil && (path == "" || strings.ContainsRune(path, 0)) {
		err = fmt.Errorf("wants a path without NUL, got %.40s", value)
	}
	return path, err
}

// CheckSocketPath says whether a listener can be named so: as PHP's SocketPath.
func CheckSocketPath(path string) error {
	if strings.HasPrefix(path, "/") {
		return nil
	}
	return fmt.Errorf("wants an absolute path such as /run/x.sock, not relative, without a scheme (unix://, unixgram://)"+
		" or @ before it, got %.80q", path)
}

func asDirectories(value json.RawMessage) ([]string, error) {
	var values []json.RawMessage
	if err := json.Unmarshal(value, &values); err != nil || len(values) == 0 {
		return nil, fmt.Errorf("wants a list of directories, got %.40s", value)
	}
	dirs := make([]string, len(values))
	for i, value := range values {
		dir, err := asPath(value)
		if err != nil {
			return nil, err
		}
		if !filepath.IsAbs(dir) {
			return nil, fmt.Errorf("wants absolute paths, got %.40s", value)
		}
		dirs[i] = dir
	}
	return dirs, nil
}

func asVersion(value json.RawMessage) (string, error) {
	text, err := asString(value)
	if err == nil && len(value) > maxPHPVersion {
		err = fmt.Errorf("wants %d bytes at most, got %.40s…", maxPHPVersion-2, value)
	}
	if text == "" {
		return "", err
	}
	return string(value), err
}
