package transmit

import (
	"bytes"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-json"
)

func asInteger(value json.RawMessage, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("wants an integer from %d to %d, got %.40s", least, most, value)
	}
	return n, nil
}

// asLimit takes all that PHP's integers can be. Sums with the result do not overflow.
func asLimit(value json.RawMessage) (int64, error) {
	n, err := asInteger(value, 0, math.MaxInt64)
	return min(n, 1<<62), err
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

// CheckSocketPath returns why no listener can have this path. PHP's SocketPath has the same rule.
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

// asChoice takes one of the words.
func asChoice[T any](value json.RawMessage, words map[string]T) (choice T, err error) {
	word, err := asString(value)
	if err != nil {
		return choice, err
	}
	choice, known := words[word]
	if !known {
		return choice, fmt.Errorf("wants one of %s, got %.40s", quoted(words), value)
	}
	return choice, nil
}

func quoted[T any](words map[string]T) string {
	all := make([]string, 0, len(words))
	for word := range words {
		all = append(all, `"`+word+`"`)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
