package profile

import (
	"slices"
	"sort"
)

// How much is left of the two lists in a document that is shrunk.
const (
	maxFunctions = 50  // of xhprof.profiling.top_functions
	maxQueries   = 100 // of sql.queries
)

// ShrinkPlan is what to remove from a document that is too large. The zero value removes nothing.
type ShrinkPlan struct {
	functions span    // of the removed functions, with the comma before them
	queries   span    // of the list or map of queries, which slowest replaces
	slowest   []query // slowest first, ties in their old order
	room      [maxQueries]query
}

type query struct {
	text span
	time float64 // milliseconds
}

// Flags are what "_meta" has to say about the plan.
func (p *ShrinkPlan) Flags() MetaFlags {
	return MetaFlags{Truncated: p.functions.to > 0, SQLTruncated: p.queries.to > 0}
}

// PlanShrink plans how to shrink doc, an unchecked JSON object that starts at from. Its errors are those of Check.
func PlanShrink(doc []byte, from int, until Limit) (*ShrinkPlan, error) {
	found := new(ShrinkPlan)
	v := visitor{scanner: newScanner(doc, until), ShrinkPlan: found}
	v.object(from, v.top)
	return found, v.err
}

// visitor reads a document once and fills its outline and, unless ShrinkPlan is nil, the plan. Each object on the way to
// the two lists has a method for its members, named after the object. Lists and maps are shrunk alike. Of two members
// with one name the last counts, as in decoders. A value of another type is not shrunk.
type visitor struct {
	scanner
	outline Outline
	*ShrinkPlan
}

func (v *visitor) top(name []byte, i int) int {
	v.outline.empty = false
	switch {
	case spells(name, `"_meta"`):
		end := v.value(i)
		v.outline.meta = span{i, end}
		return end
	case v.ShrinkPlan == nil:
	case spells(name, `"xhprof"`):
		v.functions = span{}
		return v.within(i, v.xhprof)
	case spells(name, `"sql"`):
		v.queries = span{}
		return v.within(i, v.sql)
	}
	return v.value(i)
}

func (v *visitor) xhprof(name []byte, i int) int {
	if spells(name, `"profiling"`) {
		v.functions = span{}
		return v.within(i, v.profiling)
	}
	return v.value(i)
}

func (v *visitor) profiling(name []byte, i int) int {
	if spells(name, `"top_functions"`) {
		return v.topFunctions(i)
	}
	return v.value(i)
}

func (v *visitor) sql(name []byte, i int) int {
	if spells(name, `"queries"`) {
		return v.allQueries(i)
	}
	return v.value(i)
}

// within visits the members of the value at i if it is an object, and otherwise skips the value.
func (v *visitor) within(i int, visit func(name []byte, i int) int) int {
	if v.at(i) != '{' {
		return v.value(i)
	}
	return v.object(i, visit)
}

func (v *visitor) topFunctions(i int) int {
	v.functions = span{}
	count, kept := 0, 0
	end := v.entries(i, func(i int) int {
		i = v.value(i)
		if count++; count == maxFunctions {
			kept = i
		}
		return i
	})
	if count > maxFunctions {
		v.functions = span{kept, end - 1}
	}
	return end
}

func (v *visitor) allQueries(i int) int {
	v.queries = span{}
	v.slowest = v.room[:0]
	count := 0
	end := v.entries(i, func(i int) int {
		count++
		return v.query(i)
	})
	if count > maxQueries {
		v.queries = span{i, end}
	}
	return end
}

func (v *visitor) query(i int) int {
	time, end := v.time(i)
	v.keep(query{span{i, end}, number(time.of(v.doc))})
	return end
}

// time skips a query and returns where its time_ms is; the span is empty if it has none. A document may have 100,000
// queries, so this loop is object and its visitor in one.
func (v *visitor) time(i int) (time span, end int) {
	if v.at(i) != '{' {
		return time, v.value(i)
	}
	i, more := v.enter(i, '}')
	for more {
		name, value := v.name(i)
		if v.at(value) <= ' ' {
			value, _ = v.space(value)
		}
		if v.at(value) == '"' {
			i = v.text(value)
		} else {
			i = v.value(value)
		}
		if spells(name.of(v.doc), `"time_ms"`) {
			time = span{value, i}
		}
		if v.at(i) == ',' {
			i++
			continue
		}
		i, more = v.next(i, '}')
	}
	return time, i
}

// entries visits the values of the list or map at i. It skips a value of another type.
func (s *scanner) entries(i int, visit func(i int) int) int {
	switch s.at(i) {
	case '{':
		return s.object(i, func(_ []byte, i int) int { return visit(i) })
	case '[':
		return s.array(i, visit)
	}
	return s.value(i)
}

// keep adds q to the slowest queries if it is one of them so far.
func (p *ShrinkPlan) keep(q query) {
	full := len(p.slowest) == maxQueries
	if full && q.time <= p.slowest[maxQueries-1].time {
		return
	}
	if full {
		p.slowest = p.slowest[:maxQueries-1]
	}
	place := sort.Search(len(p.slowest), func(i int) bool { return p.slowest[i].time < q.time })
	p.slowest = slices.Insert(p.slowest, place, q)
}
