// Answers that can be said back with a click.
const send = (choice) => sendUserMessage(choice);

export default (
  <div className="lt-choices" role="group" aria-label="Answers">
    {props.choices.map((choice) => (
      <button type="button" key={choice} data-act="say" onClick={() => send(choice)}>{choice}</button>
    ))}
  </div>
);
