package metrics

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
)

// A handler is a function as lambda.Start takes it, called by the same rules:
// https://docs.aws.amazon.com/lambda/latest/dg/golang-handler.html#golang-handler-signatures
//
// They are followed here and not left to aws-lambda-go, because an event that does not decode
// and a response that does not encode are failed invocations too.
type handler struct {
	call func(ctx context.Context, payload []byte) (*response, error)
	// event is the type of the parameter, nil if there is none.
	event reflect.Type
}

// An invoker is a handler that does its own coding: aws-lambda-go's interface Handler.
type invoker interface {
	Invoke(ctx context.Context, payload []byte) ([]byte, error)
}

var (
	contextType = reflect.TypeFor[context.Context]()
	errorType   = reflect.TypeFor[error]()
	bytesType   = reflect.TypeFor[[]byte]()
)

func newHandler(f any) (*handler, error) {
	if i, ok := f.(invoker); ok {
		return &handler{event: bytesType, call: func(ctx context.Context, payload []byte) (*response, error) {
			b, err := i.Invoke(ctx, payload)
			if err != nil {
				return nil, err
			}
			return &response{buffer: bytes.NewBuffer(b), contentType: contentTypeBytes}, nil
		}}, nil
	}
	fn := reflect.ValueOf(f)
	if f == nil || fn.Kind() != reflect.Func || fn.IsNil() {
		return nil, errors.New("a handler is a function")
	}
	t := fn.Type()
	takesContext, event, err := parameters(t)
	if err != nil {
		return nil, err
	}
	if err := checkResults(t); err != nil {
		return nil, err
	}
	h := &handler{event: event}
	h.call = func(ctx context.Context, payload []byte) (*response, error) {
		var args []reflect.Value
		if takesContext {
			args = append(args, reflect.ValueOf(ctx))
		}
		if event != nil {
			v := reflect.New(event)
			if err := json.Unmarshal(payload, v.Interface()); err != nil {
				return nil, err
			}
			args = append(args, v.Elem())
		}
		results := fn.Call(args)
		if n := len(results); n > 0 {
			if err, ok := results[n-1].Interface().(error); ok && err != nil {
				return nil, err
			}
		}
		var value any
		if len(results) == 2 {
			value = results[0].Interface()
		}
		return encode(value)
	}
	return h, nil
}

func parameters(t reflect.Type) (takesContext bool, event reflect.Type, err error) {
	isContext := func(p reflect.Type) bool {
		return p.Kind() == reflect.Interface && contextType.Implements(p) && p.Implements(contextType)
	}
	switch t.NumIn() {
	case 0:
		return false, nil, nil
	case 1:
		p := t.In(0)
		switch {
		case isContext(p):
			return true, nil, nil
		case p.Kind() == reflect.Interface && p.NumMethod() > 0:
			return false, nil, fmt.Errorf("the handler takes %v, which is neither context.Context nor an event", p)
		}
		return false, p, nil
	case 2:
		if !isContext(t.In(0)) {
			return false, nil, fmt.Errorf("the handler's first parameter of two is %v, not context.Context", t.In(0))
		}
		return true, t.In(1), nil
	}
	return false, nil, fmt.Errorf("the handler takes %d parameters; it may have two", t.NumIn())
}

func checkResults(t reflect.Type) error {
	n := t.NumOut()
	switch {
	case n > 2:
		return fmt.Errorf("the handler returns %d values; it may return two", n)
	case n > 0 && !t.Out(n-1).Implements(errorType):
		return fmt.Errorf("the handler's last result is %v, not an error", t.Out(n-1))
	}
	return nil
}

// encode makes the response of what the handler returned: JSON, unless it is an io.Reader which
// as JSON is an empty object or none at all.
func encode(value any) (*response, error) {
	r := &response{buffer: buffers.Get().(*bytes.Buffer), contentType: contentTypeJSON}
	e := json.NewEncoder(r.buffer)
	e.SetEscapeHTML(false)
	err := e.Encode(value)
	if stream, ok := value.(io.Reader); ok && (err != nil || bytes.HasPrefix(r.buffer.Bytes(), []byte("{}"))) {
		r.recycle()
		return streamed(stream), nil
	}
	if err != nil {
		r.recycle()
		return nil, err
	}
	r.buffer.Truncate(r.buffer.Len() - 1) // the newline
	return r, nil
}
