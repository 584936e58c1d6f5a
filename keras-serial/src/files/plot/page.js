(() => {
  const all = selector => document.querySelectorAll(selector);
  const open = id => {
    for (const view of all('.view')) view.hidden = view.id !== id;
    for (const button of all('nav [data-open]')) button.setAttribute('aria-pressed', button.dataset.open === id);
  };
  const select = id => {
    document.getElementById('hint').hidden = true;
    for (const details of all('aside section')) details.hidden = details.id !== id;
  };
  const act = target => {
    const opener = target.closest('[data-open]');
    if (opener) return open(opener.dataset.open);
    const layer = target.closest('[data-layer]');
    if (layer) select(layer.dataset.layer);
  };
  document.addEventListener('click', event => act(event.target));
  document.addEventListener('dblclick', event => {
    const model = event.target.closest('[data-view]');
    if (model) open(model.dataset.view);
  });
  document.addEventListener('keydown', event => {
    if (event.key === 'Enter' && event.target.closest('[data-layer]')) act(event.target);
  });
  open(document.querySelector('main').dataset.first);
})();
