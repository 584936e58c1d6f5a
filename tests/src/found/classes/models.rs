//! Custom classes of Functional models.

use std::sync::OnceLock;

use keras_serial::config::FieldVisitor;
use keras_serial::models::Functional;
use keras_serial::prelude::*;

/// A graph with additional arguments.
#[register(package = "models11")]
#[derive(KerasSerializable)]
#[keras(new, get_config = without_dtype)]
pub struct Backbone {
    base: LayerBase,
    width: usize,
    depth: usize,
    #[keras(skip)]
    graph: OnceLock<Result<Model>>,
    #[keras(sublayer(init = Dense::new(width).name("embed").shared()))]
    embed: LayerRef,
}

/// In Keras, the constructor of such models takes no dtype.
fn without_dtype<T>(_: &T, config: &mut Config) -> Result<()> {
    config.shift_remove("dtype");
    Ok(())
}

impl Backbone {
    fn make(&self) -> Result<Model> {
        let inputs = Input::new([4]).name("features").tensor()?;
        let mut x = self.embed.apply(&inputs)?;
        for n in 0..self.depth {
            x = Dense::new(self.width).activation("relu").name(format!("block_{n}")).apply(&x)?;
        }
        Functional::new(inputs, x)
    }
}

/// A graph around a backbone.
#[register(package = "models11")]
#[derive(KerasSerializable)]
#[keras(new, get_config = without_dtype)]
pub struct Task {
    base: LayerBase,
    backbone: LayerRef,
    classes: usize,
    #[keras(skip)]
    graph: OnceLock<Result<Model>>,
    #[keras(sublayer(init = Dense::new(classes).name("head").shared()))]
    head: LayerRef,
}

impl Task {
    fn make(&self) -> Result<Model> {
        let no_graph = || Error::new(ErrorKind::Graph, "the backbone has no graph");
        let inputs = self.backbone.graph().and_then(GraphModel::graph_inputs).ok_or_else(no_graph)?;
        let x = self.backbone.call(inputs.clone(), &CallContext::inference())?.into_single()?;
        Functional::new(inputs, self.head.apply(&x)?)
    }
}

macro_rules! graphs {
    ($($type:ident)*) => {$(
        impl Layer for $type {
            fn traits(&self) -> LayerTraits {
                LayerTraits::new().built_at_init(true)
            }

            fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
                match self.graph.get_or_init(|| self.make()) {
                    Ok(model) => model.as_layer().call(inputs.inputs()?, cx),
                    Err(error) => Err(error.clone()),
                }
            }

            fn model_hooks(&self) -> Option<&dyn ModelHooks> {
                Some(self)
            }
        }

        impl ModelHooks for $type {
            fn graph(&self) -> Option<&dyn GraphModel> {
                self.graph.get_or_init(|| self.make()).as_ref().ok()?.as_layer().graph()
            }
        }
    )*};
}

graphs! { Backbone Task }

/// A graph in a custom class without arguments: its configuration is that of the graph.
pub struct Kwargs(Functional);

keras_serial::register_type!(Kwargs, package = "models11");

impl KerasSerializable for Kwargs {
    fn get_config(&self) -> Result<Config> {
        self.0.get_config()
    }

    fn from_config(config: &Config) -> Result<Self> {
        Functional::from_config(config).map(Self)
    }

    fn visit_fields(&self, visitor: &mut dyn FieldVisitor) {
        self.0.visit_fields(visitor);
    }
}

impl HasBase<LayerBase> for Kwargs {
    fn base(&self) -> &LayerBase {
        self.0.base()
    }

    fn base_mut(&mut self) -> &mut LayerBase {
        self.0.base_mut()
    }
}

impl Layer for Kwargs {
    fn traits(&self) -> LayerTraits {
        self.0.traits()
    }

    fn call(&self, inputs: &CallArgs, cx: &CallContext) -> Result<Nested<Tensor>> {
        self.0.call(inputs, cx)
    }

    fn compute_mask(&self, inputs: &CallArgs, masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        self.0.compute_mask(inputs, masks)
    }

    fn model_hooks(&self) -> Option<&dyn ModelHooks> {
        Some(self)
    }

    fn own_state(&self) -> Option<&dyn OwnState> {
        Some(self)
    }
}

impl ModelHooks for Kwargs {
    fn graph(&self) -> Option<&dyn GraphModel> {
        ModelHooks::graph(&self.0)
    }
}

impl OwnState for Kwargs {
    fn build_config(&self, recorded: Option<keras_serial::json::Value>) -> Option<keras_serial::json::Value> {
        self.0.build_config(recorded)
    }
}

/// Returns a dict of lists for a dict; accepts lists.
#[register(package = "models11")]
#[derive(KerasSerializable)]
#[keras(new)]
pub struct Twice {
    base: LayerBase,
}

impl Layer for Twice {
    fn signature(&self) -> Signature {
        Signature::new(&["x"])
    }

    fn call(&self, inputs: &CallArgs, _: &CallContext) -> Result<Nested<Tensor>> {
        let x = inputs.inputs()?;
        let wrong = || Error::new(ErrorKind::InvalidArgument, "wrong inputs").expected("a dict of `a` and a list `b`");
        let a = x.get("a").ok_or_else(wrong)?.single()?;
        let [b, c] = x.get("b").and_then(Nested::items).ok_or_else(wrong)? else { return Err(wrong()) };
        let sum = ops::add(a, b.single()?)?;
        let both = vec![Nested::Leaf(ops::multiply(a, 2.0)?), Nested::Tuple(vec![c.clone()])];
        Ok(Nested::Dict(
            [("sum".to_owned(), sum.into()), ("both".to_owned(), Nested::List(both))].into_iter().collect(),
        ))
    }
}
