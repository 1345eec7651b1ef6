//! Moves frames between a client and a server, with the guard between them.

use super::{
    lines::{Line, MAX_LINE_BYTES, read_line},
    relay::{Conversation, Intake, Outcome},
};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{self, AsyncBufRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    sync::{Semaphore, mpsc},
    task::JoinSet,
};

/// Frames that wait for a slow reader before whoever sends them has to wait too.
const QUEUED_FRAMES: usize = 64;
/// Calls and results that are judged at the same time.
const MOST_JUDGED: usize = 256;

pub(crate) type Frames = mpsc::Sender<Vec<u8>>;

/// One way through the guard.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    conversation: Arc<Conversation>,
    take_in: fn(&Conversation, Vec<u8>) -> Intake,
    onward: Frames,
    back: Frames,
    room: Arc<Semaphore>,
}

impl Lane {
    pub(crate) fn from_client(
        conversation: &Arc<Conversation>,
        to_server: Frames,
        to_client: Frames,
    ) -> Self {
        Self {
            conversation: Arc::clone(conversation),
            take_in: Conversation::from_client,
            onward: to_server,
            back: to_client,
            room: Arc::new(Semaphore::new(MOST_JUDGED)),
        }
    }

    pub(crate) fn from_server(
        conversation: &Arc<Conversation>,
        to_client: Frames,
        to_server: Frames,
    ) -> Self {
        Self { take_in: Conversation::from_server, ..Self::from_client(conversation, to_client, to_server) }
    }

    /// Takes one frame in, in order; its judgement may go on while the next comes.
    pub(crate) async fn carry(&self, frame: Vec<u8>, judged: &mut JoinSet<()>) {
        let intake = (self.take_in)(&self.conversation, frame);
        while judged.try_join_next().is_some() {}
        if intake.is_settled() {
            return self.send(intake.finish()).await;
        }
        // Never closed.
        let Ok(place) = Arc::clone(&self.room).acquire_owned().await else { return };
        let lane = self.clone();
        judged.spawn(async move {
            let settled = lane.conversation.settle(intake).await;
            lane.send(settled.finish()).await;
            drop(place);
        });
    }

    async fn send(&self, outcome: Outcome) {
        // Whoever has gone needs no frame.
        if let Some(frame) = outcome.onward {
            let _ = self.onward.send(frame).await;
        }
        if let Some(frame) = outcome.back {
            let _ = self.back.send(frame).await;
        }
    }

    /// Carries every line, and ends when the last judgement is spoken.
    async fn carry_lines(self, mut input: impl AsyncBufRead + Unpin) -> io::Result<()> {
        let mut judged = JoinSet::new();
        let outcome = loop {
            match read_line(&mut input).await {
                Ok(None) => break Ok(()),
                Ok(Some(Line::Frame(frame))) => self.carry(frame, &mut judged).await,
                Ok(Some(Line::TooLong)) => {
                    (self.conversation.post().tell)(&format!(
                        "a message of more than {MAX_LINE_BYTES} bytes was withheld"
                    ));
                }
                Err(error) => break Err(error),
            }
        };
        while judged.join_next().await.is_some() {}
        outcome
    }
}

pub(crate) fn queue() -> (Frames, mpsc::Receiver<Vec<u8>>) {
    mpsc::channel(QUEUED_FRAMES)
}

/// Writes frames as they come; ends, and closes the output, when nobody can send any more.
pub(crate) async fn write_frames(
    mut frames: mpsc::Receiver<Vec<u8>>,
    mut output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    while let Some(frame) = frames.recv().await {
        output.write_all(&frame).await?;
        if frames.is_empty() {
            output.flush().await?;
        }
    }
    output.shutdown().await
}

/// The client's side speaks lines. Ends when the client has gone and has what was answered until then.
pub(crate) async fn pump_client(
    lane: Lane,
    client: (impl io::AsyncRead + Unpin + Send + 'static, impl AsyncWrite + Unpin + Send + 'static),
    for_client: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    let conversation = Arc::clone(&lane.conversation);
    let answering = tokio::spawn(write_frames(for_client, client.1));
    let carried = lane.carry_lines(BufReader::new(client.0)).await;
    conversation.client_is_gone();
    conversation.left_alone(LAST_ANSWERS, 150).await;
    answering.abort();
    carried
}

/// After the client's last word, for answers that are on their way.
const LAST_ANSWERS: Duration = Duration::from_millis(200);

/// Both sides speak lines. Ends when the server has closed its output and the client has all of it.
pub async fn pump_lines(
    conversation: Arc<Conversation>,
    client: (impl io::AsyncRead + Unpin + Send + 'static, impl AsyncWrite + Unpin + Send + 'static),
    server: (impl io::AsyncRead + Unpin + Send + 'static, impl AsyncWrite + Unpin + Send + 'static),
) -> io::Result<()> {
    let (to_server, for_server) = queue();
    let (to_client, for_client) = queue();
    let from_client = Lane::from_client(&conversation, to_server.clone(), to_client.clone());
    // Towards the server, nothing comes back from what the server says: only the client's end closes its input.
    let (nobody, _) = queue();
    let from_server = Lane::from_server(&conversation, to_client, nobody);
    drop(to_server);
    let gone = Arc::clone(&conversation);
    let asking = tokio::spawn(async move {
        let carried = from_client.carry_lines(BufReader::new(client.0)).await;
        gone.client_is_gone();
        carried
    });
    let writing = tokio::spawn(write_frames(for_server, server.1));
    let answering = tokio::spawn(write_frames(for_client, client.1));
    let read = from_server.carry_lines(BufReader::new(server.0)).await;
    // The server has gone: nobody can answer the client any more.
    asking.abort();
    writing.abort();
    let _ = asking.await;
    let answered = answering.await.unwrap_or(Ok(()));
    read.and(answered)
}
