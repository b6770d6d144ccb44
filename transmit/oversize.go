package transmit

import "cmp"

// defaultDatagram is the most that an IP datagram holds. Many listeners use that limit for every kind of datagram.
const defaultDatagram = 65507

// listenersLimits are the bytes that each listener takes as one datagram in its default configuration. Most listeners
// silently truncate longer datagrams.
var listenersLimits = map[string]int{
	"":           0, // none of these
	"telegraf":   64 << 10,
	"vector":     102_400,
	"syslog-ng":  64 << 10,
	"fluent-bit": 32<<10 - 1,
	"rsyslog":    8 << 10,
}

// datagramLimit is the setting max_datagram_size, or else the limit of the setting listener.
type datagramLimit struct {
	explicit int // 0: not set
	preset   int // 0: no known listener
}

func (d datagramLimit) bytes() int { return cmp.Or(d.explicit, d.preset, defaultDatagram) }

// oversize says what Send does with a document that is larger than a datagram.
type oversize int

const (
	shrink   oversize = iota // shrink it, and send what is left if that fits
	toBuffer                 // write it to the disk buffer, whole
	toMemfd                  // send it whole, as a memfd; else write it to the disk buffer
)

var oversizeWords = map[string]oversize{"shrink": shrink, "buffer": toBuffer, "memfd": toMemfd}
