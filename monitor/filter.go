package monitor

import (
	"regexp"
	"slices"
	"strings"
)

// filtered is a statement that reads the picked series alone.
func filtered(influxql string) string {
	statement, _ := filter(influxql)
	return statement
}

// filter is a statement that reads the picked series alone, of those tags that they have: the rollups have no instance,
// and the load generator's points are of no function. What is picked stands behind each $timeFilter of what reads a
// measurement, since that is a condition which all that is read has to meet, however the statement is written. What reads
// another statement is left to that one. whole is false if something is read without a $timeFilter of its own, and so
// whatever is picked.
//
// https://docs.influxdata.com/influxdb/v1/query_language/spec/
func filter(influxql string) (statement string, whole bool) {
	var b strings.Builder
	open := []reading{{}} // what is read within each pair of brackets that is open
	whole = true
	closed := func(r reading) { whole = whole && (r.picks == "" || r.put) }
	before := ""
	for rest := influxql; rest != ""; {
		token := token(rest, before)
		rest = rest[len(token):]
		b.WriteString(token)
		last := len(open) - 1
		switch {
		case isSpace(token[0]):
			continue
		case token == "(":
			open = append(open, reading{})
		case token == ")" && last > 0, token == ";":
			closed(open[last])
			open = open[:last]
			if token == ";" {
				open = append(open, reading{})
			}
		case strings.EqualFold(token, "FROM"):
			open[last] = reading{from: true, picks: picksOf(rest)}
		case token == timeFilter:
			for last > 0 && !open[last].from {
				last-- // WHERE ($timeFilter)
			}
			open[last].put = true
			b.WriteString(open[last].picks)
		}
		before = token
	}
	for _, r := range open {
		closed(r)
	}
	return b.String(), whole
}

// reading is what has been seen of a statement: its FROM, the condition for what that names, and whether it was put there.
type reading struct {
	from, put bool
	picks     string
}

const timeFilter = "$timeFilter"

// source is what stands behind a FROM: a regular expression, or a name with a retention policy before it, or another statement.
var source = regexp.MustCompile(`^\s*(\(|/|(?:"(?:[^"\\]|\\.)*"|[\w$]+|\.)+)`)

// picksOf is the condition for what stands behind a FROM.
func picksOf(rest string) string {
	m := source.FindStringSubmatch(rest)
	if m == nil || m[1] == "(" {
		return ""
	}
	parts := identifiers(m[1])
	policy, measurement := "", parts[len(parts)-1]
	if len(parts) > 1 {
		policy = parts[len(parts)-2]
	}
	switch {
	case measurement == "load":
		return ""
	case policy == "$rollup", policy == "$minutes", strings.HasPrefix(policy, "rollup_"):
		return picked(len(variables) - 1)
	}
	return picked(len(variables))
}

// identifiers are the parts of a name that has dots between them: database, retention policy and measurement, or the last of
// these. What is quoted has a dot in its name.
//
// https://docs.influxdata.com/influxdb/v1/query_language/spec/#identifiers
func identifiers(name string) []string {
	parts := []string{""}
	for name != "" {
		token := token(name, "")
		name = name[len(token):]
		last := len(parts) - 1
		switch {
		case token == ".":
			parts = append(parts, "")
		case token[0] == '"':
			parts[last] += unescaped.Replace(token[1 : len(token)-1])
		default:
			parts[last] += token
		}
	}
	return parts
}

// unescaped is quoted text as it is meant.
var unescaped = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n")

// token is what a text begins with: quoted text, a word, spaces, or one character. before is the token before, which tells
// a regular expression from a division.
func token(text, before string) string {
	switch c := text[0]; {
	case c == '"' || c == '\'' || c == '/' && slices.Contains([]string{"~", ",", "(", "FROM", "SELECT"}, strings.ToUpper(before)):
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case c:
				return text[:i+1]
			}
		}
		return text // which ends nowhere, and no store takes
	case isSpace(c):
		return text[:len(text)-len(strings.TrimLeft(text, " \t\r\n"))]
	case isWord(c):
		i := 1
		for i < len(text) && isWord(text[i]) && text[i] != '$' {
			i++
		}
		return text[:i]
	}
	return text[:1]
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isWord(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
