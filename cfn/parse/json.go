package parse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// readJSON reads JSON itself rather than as YAML, because YAML has no surrogate pairs and
// forgives what JSON does not.
func readJSON(text []byte) (*node, error) {
	r := &jsonReader{text: text, d: json.NewDecoder(bytes.NewReader(text)), line: 1}
	r.d.UseNumber()
	root, err := r.next(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, r.malformed()
	}
	return root, nil
}

type jsonReader struct {
	text []byte
	d    *json.Decoder

	// The place up to which lines are counted.
	offset, line, start int
}

// here is the place of the next token.
func (r *jsonReader) here() Position {
	at := int(r.d.InputOffset())
	for at < len(r.text) && bytes.IndexByte([]byte(" \t\r\n,:"), r.text[at]) >= 0 {
		at++
	}
	for ; r.offset < at; r.offset++ {
		if r.text[r.offset] == '\n' {
			r.line, r.start = r.line+1, r.offset+1
		}
	}
	return Position{Line: r.line, Column: r.offset - r.start + 1}
}

func (r *jsonReader) malformed() *Error {
	pos := r.here()
	return &Error{Message: fmt.Sprintf("Template format error: JSON not well-formed. (line %d, column %d)", pos.Line, pos.Column)}
}

func (r *jsonReader) next(depth int) (*node, error) {
	n := &node{pos: r.here()}
	if depth > maxDepth {
		return nil, &Error{Position: n.pos, Message: "Template format error: nested too deeply."}
	}
	token, err := r.d.Token()
	if err != nil {
		return nil, r.malformed()
	}
	switch token {
	case json.Delim('{'):
		return n, r.object(n, depth)
	case json.Delim('['):
		return n, r.list(n, depth)
	}
	n.scalar = token
	return n, nil
}

func (r *jsonReader) object(n *node, depth int) error {
	n.object = map[string]*node{}
	for r.d.More() {
		pos := r.here()
		token, err := r.d.Token()
		key, ok := token.(string)
		if err != nil || !ok {
			return r.malformed()
		}
		if n.object[key] != nil {
			return &Error{Position: pos, Message: fmt.Sprintf("Template format error: duplicate key %q.", key)}
		}
		child, err := r.next(depth + 1)
		if err != nil {
			return err
		}
		child.pos = pos
		n.object[key] = child
	}
	return r.close()
}

func (r *jsonReader) list(n *node, depth int) error {
	n.isList = true
	for r.d.More() {
		child, err := r.next(depth + 1)
		if err != nil {
			return err
		}
		n.list = append(n.list, child)
	}
	return r.close()
}

func (r *jsonReader) close() error {
	if _, err := r.d.Token(); err != nil {
		return r.malformed()
	}
	return nil
}
