use keras_serial::prelude::*;

async fn work() {
    let _scope = CustomObjectScope::new(CustomObjects::new()).enter();
    std::future::ready(()).await;
}

fn spawn<F: Future + Send>(_: F) {}

fn start() {
    spawn(work());
}

fn main() {}
