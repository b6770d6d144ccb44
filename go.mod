module libtransmit

go 1.26.0

require (
	github.com/goccy/go-json v0.12.0
	golang.org/x/sys v0.49.0
)
