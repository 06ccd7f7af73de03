package pattern

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// parseTest reads one member of a field's list: a value, or an operator with what it takes.
func parseTest(path string, v any) (test, error) {
	m, ok := v.(map[string]any)
	if !ok {
		if _, list := v.([]any); list {
			return nil, fmt.Errorf("%s: a list in a list", at(path))
		}
		return func(got any, there bool) bool { return there && got == v }, nil
	}
	if len(m) != 1 {
		return nil, fmt.Errorf("%s: an operator is an object with one name, not %d", at(path), len(m))
	}
	for name, operand := range m {
		t, err := operator(name, operand)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", at(path), name, err)
		}
		return t, nil
	}
	panic("unreachable: the map has one member")
}

func operator(name string, operand any) (test, error) {
	switch name {
	case "exists":
		want, ok := operand.(bool)
		if !ok {
			return nil, fmt.Errorf("it is true or false, not %v", operand)
		}
		return func(_ any, there bool) bool { return there == want }, nil
	case "numeric":
		return numeric(operand)
	case "anything-but":
		return anythingBut(operand)
	case "cidr":
		text, _ := operand.(string)
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, err
		}
		return ofText(func(got string) bool {
			a, err := netip.ParseAddr(got)
			return err == nil && network.Contains(a)
		}), nil
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
		return texts(name, operand)
	}
	return nil, fmt.Errorf("there is no such operator; there are anything-but, cidr, equals-ignore-case, exists, numeric, prefix, suffix and wildcard")
}

// ofText is a test that only text passes.
func ofText(fits func(string) bool) test {
	return func(v any, there bool) bool {
		text, ok := v.(string)
		return there && ok && fits(text)
	}
}

func texts(name string, operand any) (test, error) {
	fold := false
	if m, ok := operand.(map[string]any); ok && (name == "prefix" || name == "suffix") && len(m) == 1 {
		operand, fold = m["equals-ignore-case"], true
	}
	text, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("it takes text, not %v", operand)
	}
	lower := func(s string) string {
		if fold {
			return strings.ToLower(s)
		}
		return s
	}
	switch name {
	case "prefix":
		return ofText(func(got string) bool { return strings.HasPrefix(lower(got), lower(text)) }), nil
	case "suffix":
		return ofText(func(got string) bool { return strings.HasSuffix(lower(got), lower(text)) }), nil
	case "equals-ignore-case":
		return ofText(func(got string) bool { return strings.EqualFold(got, text) }), nil
	}
	pieces, err := wildcard(text)
	if err != nil {
		return nil, err
	}
	return ofText(func(got string) bool { return fits(pieces, got) }), nil
}

// wildcard splits text at its stars; a backslash makes a star or a backslash of itself.
func wildcard(text string) ([]string, error) {
	pieces := []string{""}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '*' && i > 0 && text[i-1] == '*' && pieces[len(pieces)-1] == "":
			return nil, fmt.Errorf("%q has two stars side by side", text)
		case c == '*':
			pieces = append(pieces, "")
			continue
		case c == '\\':
			if i++; i == len(text) || text[i] != '*' && text[i] != '\\' {
				return nil, fmt.Errorf("%q: a backslash stands before a star or a backslash only", text)
			}
			c = text[i]
		}
		pieces[len(pieces)-1] += string(c)
	}
	return pieces, nil
}

// fits says that got is the pieces with anything in between.
func fits(pieces []string, got string) bool {
	if len(pieces) == 1 {
		return got == pieces[0]
	}
	rest, ok := strings.CutPrefix(got, pieces[0])
	if !ok {
		return false
	}
	for _, piece := range pieces[1 : len(pieces)-1] {
		i := strings.Index(rest, piece)
		if i < 0 {
			return false
		}
		rest = rest[i+len(piece):]
	}
	return strings.HasSuffix(rest, pieces[len(pieces)-1])
}

// anythingBut passes what is there and is none of the values, or does not fit the operator.
func anythingBut(operand any) (test, error) {
	switch v := operand.(type) {
	case map[string]any:
		if len(v) != 1 {
			return nil, fmt.Errorf("it takes one operator, not %d", len(v))
		}
		for name, inner := range v {
			list, many := inner.([]any)
			if !many {
				list = []any{inner}
			}
			var not []test
			for _, one := range list {
				t, err := texts(name, one)
				if err != nil || !slices.Contains([]string{"prefix", "suffix", "equals-ignore-case", "wildcard"}, name) {
					return nil, fmt.Errorf("%s: it takes prefix, suffix, equals-ignore-case and wildcard, with text", name)
				}
				not = append(not, t)
			}
			return func(got any, there bool) bool {
				return there && !slices.ContainsFunc(not, func(t test) bool { return t(got, true) })
			}, nil
		}
	case []any:
		for _, one := range v {
			switch one.(type) {
			case string, json.Number:
			default:
				return nil, fmt.Errorf("it takes text and numbers, not %v", one)
			}
		}
		return func(got any, there bool) bool { return there && !slices.Contains(v, got) }, nil
	case string, json.Number:
		return func(got any, there bool) bool { return there && got != v }, nil
	}
	return nil, fmt.Errorf("it takes text, a number, a list of them or an operator, not %v", operand)
}

// numeric is a comparison, or two of them that are the ends of a range.
func numeric(operand any) (test, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, fmt.Errorf("it takes a comparison and a number, or two of each")
	}
	var all []func(float64) bool
	for i := 0; i < len(list); i += 2 {
		how, _ := list[i].(string)
		number, ok := list[i+1].(json.Number)
		limit, err := number.Float64()
		if !ok || err != nil || limit < -5e9 || limit > 5e9 {
			return nil, fmt.Errorf("%v is no number between -5e9 and 5e9", list[i+1])
		}
		compare := map[string]func(float64) bool{
			"=": func(v float64) bool { return v == limit }, "<": func(v float64) bool { return v < limit }, "<=": func(v float64) bool { return v <= limit },
			">": func(v float64) bool { return v > limit }, ">=": func(v float64) bool { return v >= limit },
		}[how]
		if compare == nil || len(list) == 4 && (how == "=" || (how[0] == '>') != (i == 0)) {
			return nil, fmt.Errorf("%v: the comparisons are =, <, <=, > and >=; of two, the lower end comes first", list[i])
		}
		all = append(all, compare)
	}
	return func(v any, there bool) bool {
		number, ok := v.(json.Number)
		got, err := number.Float64()
		if !there || !ok || err != nil {
			return false
		}
		return !slices.ContainsFunc(all, func(holds func(float64) bool) bool { return !holds(got) })
	}, nil
}
