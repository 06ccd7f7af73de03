package dashboard

import "strings"

// reads reports whether all that a statement reads of measurements is spelled FROM "measurement" WHERE $timeFilter, with one
// of the retention policies before the measurement where there are any. What is put into a statement for Grafana, a retention
// policy and what a reader has picked, is put there.
func reads(statement string, policies ...string) bool {
	found := false
	for i := 0; i < len(statement); i++ {
		switch c := statement[i]; {
		case c == '"' || c == '\'':
			i += max(quoted(statement[i:])-1, 0)
		case isFrom(statement, i):
			rest := statement[i+len("FROM"):]
			if strings.HasPrefix(strings.TrimSpace(rest), "(") {
				continue // a statement in a statement, of which it goes on to look at the FROM
			}
			if statement[i:i+len("FROM")] != "FROM" || !readsSo(rest, policies) {
				return false
			}
			found = true
		}
	}
	return found
}

// readsSo looks at what stands behind a FROM.
func readsSo(rest string, policies []string) bool {
	rest, spaced := strings.CutPrefix(rest, " ")
	ok := spaced && len(policies) == 0
	for _, p := range policies {
		if after, has := strings.CutPrefix(rest, `"`+p+`".`); has {
			rest, ok = after, spaced
		}
	}
	n := quoted(rest)
	if !ok || n <= len(`""`) || rest[0] != '"' {
		return false
	}
	rest, ok = strings.CutPrefix(rest[n:], " WHERE $timeFilter")
	return ok && (rest == "" || !inWord(rest[0]))
}

// isFrom reports whether the word FROM is at a place, in whatever case.
func isFrom(statement string, at int) bool {
	end := at + len("FROM")
	return end <= len(statement) && strings.EqualFold(statement[at:end], "FROM") &&
		(at == 0 || !inWord(statement[at-1])) && (end == len(statement) || !inWord(statement[end]))
}

func inWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// quoted is how long what a text begins with in quotes is, with them; 0 if it begins with none, or they do not end.
func quoted(text string) int {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		return 0
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case text[0]:
			return i + 1
		}
	}
	return 0
}
