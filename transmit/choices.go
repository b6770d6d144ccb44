package transmit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-json"
)

// defaultDatagram is what IP's datagrams hold at most, which many listeners take for any datagram's limit.
const defaultDatagram = 65507

// listenersLimits are the bytes that each listener takes as one datagram, as it comes. It cuts what is longer, most
// of them without a word.
var listenersLimits = map[string]int{
	"":           0, // none of these
	"telegraf":   64 << 10,
	"vector":     102_400,
	"syslog-ng":  64 << 10,
	"fluent-bit": 32<<10 - 1,
	"rsyslog":    8 << 10,
}

// datagram is what the setting max_datagram_size says, or else the listener's limit.
type datagram struct {
	explicit int // 0: not set
	preset   int // 0: no known listener
}

func (d datagram) max() int { return cmp.Or(d.explicit, d.preset, defaultDatagram) }

// oversize says what becomes of a document that is larger than a datagram.
type oversize int

const (
	shrink   oversize = iota // it is cut
	toBuffer                 // it goes whole to the disk buffer
	toMemfd                  // it goes whole as a memfd, else to the disk buffer
)

var oversizeWords = map[string]oversize{"shrink": shrink, "buffer": toBuffer, "memfd": toMemfd}

// replayWords are the setting replay's; the value is whether it happens by itself.
var replayWords = map[string]bool{"off": false, "auto": true}

// asChoice takes one of some words.
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
