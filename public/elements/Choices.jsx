// Answers that can be said back with a click.
const send = (choice) => sendUserMessage(choice);

export default (
  <div className={'lt-choices' + (props.choices.some((c) => c.length > 36) ? ' lt-choices-long' : '')} role="group" aria-label="Answers">
    {props.choices.map((choice) => (
      <button type="button" key={choice} data-act="say" onClick={() => send(choice)}>{choice}</button>
    ))}
  </div>
);
